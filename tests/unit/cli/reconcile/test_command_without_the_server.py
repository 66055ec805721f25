"""`calltally reconcile` without the server's packages: exports and servers work, the store does not."""

import hashlib
import json
from pathlib import Path

import msgspec

from calltally.client.exporting.checkpoint import FileState
from calltally.client.exporting.manifest import Manifest, write_manifest
from tests.unit.cli.test_lazy_commands import calltally

RECORD = {"id": "1", "call_sid": "CA1", "status": "busy", "created_at": "2026-10-01T00:00:00Z"}
EVENT = {
    "id": "m1",
    "event": "voice.call.completed",
    "created_at": "2026-10-01T00:00:05Z",
    "data": {"call_sid": "CA1", "status": "busy"},
}


def write_export(folder: Path, form: str) -> None:
    """Write an export folder with one file; its content is NDJSON in any format."""
    line = msgspec.json.encode(RECORD) + b"\n"
    (folder / f"calls.{form}").write_bytes(line)
    file = FileState(f"calls.{form}", 1, len(line), hashlib.sha256(line).hexdigest())
    fields = {"filters": {}, "format": form, "partition": "none", "complete": True, "rows": 1}
    fields |= {"by_status": {"busy": 1}, "snapshot": None, "revision": None, "highest": None, "readings": 2}
    fields |= {"repeats": 0, "holes": 0, "notes": [], "files": [file]}
    window = {"from": "2026-10-01T00:00:00Z", "to": "2026-10-02T00:00:00Z"}
    write_manifest(folder, Manifest(source="x", window=window, **fields))  # type: ignore[arg-type] # of every kind
    (folder / "log").write_text(json.dumps(EVENT))


def test_export_is_compared_without_server_packages(tmp_path: Path) -> None:
    write_export(tmp_path, "ndjson")
    result = calltally(tmp_path, "reconcile", "--events", "log", "--calls", ".")
    assert (result.returncode, result.stderr) == (0, "")
    assert "No findings." in result.stdout


def test_export_in_parquet_names_its_own_package(tmp_path: Path) -> None:
    write_export(tmp_path, "parquet")
    result = calltally(tmp_path, "reconcile", "--events", "log", "--calls", ".")
    assert result.returncode == 1
    assert result.stderr == "calltally: the format parquet needs pyarrow: pip install 'calltally[parquet]'\n"


def test_store_needs_server_packages(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("")
    for words in (("--events", "log"), ("--provider", "twilio")):
        result = calltally(tmp_path, "reconcile", *words, "--tenant", "acme", "--month", "2026-10")
        assert result.returncode == 1
        needed = "calltally: a comparison with the local store needs the server"
        assert result.stderr == f"{needed}: pip install 'calltally[server]'\n"
