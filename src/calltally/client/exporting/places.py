"""`--out s3://...`: the export is made in a folder of this machine, then brought there, its manifest last."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from calltally.calls.errors import InvalidInput
from calltally.client.errors import NotInstalled
from calltally.client.exporting.asking import Plan
from calltally.client.exporting.errors import BucketRefused, DamagedExport
from calltally.client.exporting.held_window import Source
from calltally.client.exporting.jobs import Again, run_job
from calltally.client.exporting.known import AMENDMENTS, Layer, layers_of
from calltally.client.exporting.manifest import MANIFEST, read_manifest
from calltally.client.exporting.writing import Folder, Watcher

SCHEME: Final = "s3"
_CHECKPOINT: Final = "export.checkpoint"


def is_remote(out: str) -> bool:
    """Whether it names a bucket. Raises InvalidInput for a place of another kind."""
    scheme = urlsplit(out).scheme if "://" in out else ""
    if scheme and (scheme != SCHEME or not urlsplit(out).netloc):
        raise InvalidInput.of("out", f"--out {out!r} is neither a folder nor s3://BUCKET/PREFIX")
    return bool(scheme)


def run_remote(source: Source, plan: Plan, out: str, watcher: Watcher, *, again: Again) -> Layer:
    """The same as `run_job`, for a bucket. What is not brought there yet stays here for the next time.

    Raises what `run_job` raises, NotInstalled, and DamagedExport where the bucket has something else.
    """
    work = Path(f"calltally-export-{hashlib.sha256(out.encode()).hexdigest()[:8]}")
    bucket = Bucket(out)
    folder = Folder(work, work / _CHECKPOINT)
    is_left = not folder.checkpoint.exists() and read_manifest(work) is not None
    if not is_left:
        if again is Again.AMEND and not folder.checkpoint.exists():
            bucket.fetch_all(work, watcher)
        run_job(source, plan, folder, watcher, again=again)
    bucket.put_all(work, watcher)
    done = layers_of(work)[-1]
    shutil.rmtree(work)
    return done


class Bucket:
    """A prefix of a bucket. Credentials, region and endpoint are those of the AWS_* variables."""

    def __init__(self, url: str) -> None:
        try:
            import obstore  # deferred: only who exports to a bucket has it
            from obstore.exceptions import BaseError  # deferred: the same
            from obstore.store import S3Store  # deferred: the same
        except ModuleNotFoundError as fault:
            raise NotInstalled.of("an export to s3://", "obstore", extra="s3") from fault
        self._obstore: Any = obstore
        self._fault: type[Exception] = BaseError
        self._store: Any = S3Store.from_url(url)
        self._url = url

    def fetch_all(self, folder: Path, watcher: Watcher) -> None:
        """Bring what was exported there into `folder`; nothing where there is nothing."""
        if not self._fetch(folder, MANIFEST):
            return
        watcher.say(f"fetching the export in {self._url}, to compare with")
        for number in range(1, 10_000):
            if not self._fetch(folder, f"{AMENDMENTS}/{number:04d}/{MANIFEST}"):
                break
        for name, size in _files(folder):
            if not self._fetch(folder, name) or (folder / name).stat().st_size != size:
                raise DamagedExport(f"{self._url}/{name} is not what its manifest says")

    def put_all(self, folder: Path, watcher: Watcher) -> None:
        """Send what is not there yet: an export's files, then its manifest; then its amendments'."""
        watcher.begin("uploading", None)
        for layer in layers_of(folder):
            prefix = f"{layer.name}/" if layer.name else ""
            names = [file.name for file in layer.manifest.files]
            if layer.manifest.raw:
                names += [f"raw/{path.name}" for path in sorted((layer.folder / "raw").iterdir())]
            for name in (*names, MANIFEST):
                self._put(layer.folder / name, prefix + name)

    def _put(self, path: Path, name: str) -> None:
        """Large files go in parts. A manifest is always sent: two of them can be of one size."""
        size = path.stat().st_size
        if not name.endswith(MANIFEST) and self._size(name) == size:
            return
        with self._asked(name):
            self._obstore.put(self._store, name, path)
        if self._size(name) != size:
            raise DamagedExport(f"{self._url}/{name} is not as long as what was sent")

    def _size(self, name: str) -> int | None:
        with self._asked(name):
            try:
                return int(self._obstore.head(self._store, name)["size"])
            except FileNotFoundError:
                return None

    def _fetch(self, folder: Path, name: str) -> bool:
        path = folder / name
        with self._asked(name):
            try:
                found = self._obstore.get(self._store, name)
            except FileNotFoundError:
                return False
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                for piece in found.stream():
                    file.write(piece)
        return True

    @contextmanager
    def _asked(self, name: str) -> Iterator[None]:
        try:
            yield
        except self._fault as fault:
            # The library's own text goes on with its whole state, headers and all.
            why = str(fault).partition("\n")[0]
            message = f"{self._url}/{name}: {why}"
            raise BucketRefused(message) from fault


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """All that manifests name, with the sizes; of raw answers that is the list of their checksums."""
    for layer in layers_of(folder):
        prefix = f"{layer.name}/" if layer.name else ""
        raw = layer.manifest.raw
        for file in (*layer.manifest.files, *([raw] if raw else [])):
            yield prefix + file.name, file.bytes
