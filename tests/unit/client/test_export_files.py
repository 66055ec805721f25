"""Download of the files of an export."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from calltally.client.errors import InvalidArgument, StreamCut
from calltally.client.export_files import download_export
from calltally.client.transport import AttemptResult, RequestAttempt
from calltally.client.wire import Answer
from tests.unit.client.canned import Canned, good
from tests.unit.client.test_exports import EXPORT

BODY = b'{"id":"a"}\n'


class FileServer(Canned):
    """Server of one export with one file, whose body goes to the sink."""

    def __init__(self, body: bytes = BODY, name: str = "calls.ndjson", state: str = "complete") -> None:
        file = {"name": name, "rows": 1, "bytes": 11, "sha256": hashlib.sha256(BODY).hexdigest()}
        export: dict[str, Any] = {**EXPORT, "state": state, "files": [file]}
        super().__init__(lambda _request: good(export))
        self._body = body

    async def send(self, attempt: RequestAttempt) -> AttemptResult:
        if attempt.sink is None:
            return await super().send(attempt)
        self.attempts.append(attempt)
        attempt.sink.open(Answer(200, {}))
        attempt.sink.write(self._body)
        return Answer(200, {})


def test_files_are_downloaded_once(tmp_path: Path) -> None:
    server, folder = FileServer(), tmp_path / "october"
    assert server.run(download_export(server, "e-1", folder)) == [folder / "calls.ndjson"]
    assert (folder / "calls.ndjson").read_bytes() == BODY
    assert server.requests[-1].path == "/api/v1/exports/e-1/files/calls.ndjson"
    server.run(download_export(server, "e-1", str(folder)))
    assert len(server.requests) == 3
    assert [path.name for path in folder.iterdir()] == ["calls.ndjson"]


def test_changed_file_is_not_taken_for_complete(tmp_path: Path) -> None:
    server = FileServer(b"other")
    with pytest.raises(StreamCut, match="differs from its SHA-256"):
        server.run(download_export(server, "e-1", tmp_path))
    assert not (tmp_path / "calls.ndjson").exists()


def test_name_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    server = FileServer(name="../calls.ndjson")
    with pytest.raises(StreamCut, match="not a name of a file"):
        server.run(download_export(server, "e-1", tmp_path / "out"))


def test_unfinished_export_has_no_files(tmp_path: Path) -> None:
    server = FileServer(state="running")
    with pytest.raises(InvalidArgument, match="is running, not complete"):
        server.run(download_export(server, "e-1", tmp_path))
