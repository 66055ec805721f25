"""`--out s3://...`: the export is made in a folder of this machine, then brought there, its manifest last."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from calltally.calls.errors import InvalidInput
from calltally.client.errors import NotInstalled
from calltally.client.exporting.amendments import check_same
from calltally.client.exporting.errors import BucketRefused, DamagedExport
from calltally.client.exporting.exported_state import AMENDMENTS, Layer, layers_of
from calltally.client.exporting.files import digest_of
from calltally.client.exporting.held_window import Source
from calltally.client.exporting.manifest import MANIFEST, read_manifest
from calltally.client.exporting.output import Folder, Watcher
from calltally.client.exporting.raw_responses import FOLDER as RAW
from calltally.client.exporting.request import Plan
from calltally.client.exporting.runs import Again, held, run_job

SCHEME: Final = "s3"
_CHECKPOINT: Final = "export.checkpoint"
# In the folder of this machine: what the bucket has of it by now, with the digests.
_SENT: Final = ".sent"
# Is there until what was fetched is compared: what lies beside it is of the bucket, and not for it.
_FETCHING: Final = ".fetching"


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
    with held(folder):
        if (work / _FETCHING).exists():
            _clear(work)
        left = None if folder.checkpoint.exists() else read_manifest(work)
        if again is Again.RESTART:
            (work / _SENT).unlink(missing_ok=True)
        if again is Again.RESTART or left is None:
            if again is Again.AMEND and not folder.checkpoint.exists():
                bucket.fetch_all(work, watcher)
            run_job(source, plan, folder, watcher, again=again)
            (work / _FETCHING).unlink(missing_ok=True)
        else:
            check_same(plan, work, left, goes_on=True)
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
        (folder / _FETCHING).touch()
        if self._fetch(folder, MANIFEST):
            self._fetch_named(folder, watcher)
        else:
            (folder / _FETCHING).unlink()

    def _fetch_named(self, folder: Path, watcher: Watcher) -> None:
        watcher.say(f"fetching the export in {self._url}, to compare with")
        for name in _amendments():
            if not self._fetch(folder, name):
                break
        for name, size in _files(folder):
            if not self._fetch(folder, name) or (folder / name).stat().st_size != size:
                raise DamagedExport(f"{self._url}/{name} is not what its manifest says")
            _note(folder, _entry(folder, name))
        for layer in layers_of(folder):
            _note(folder, _entry(folder, _prefix(layer) + MANIFEST))

    def put_all(self, folder: Path, watcher: Watcher) -> None:
        """Send what is not there yet: an export's files, then its manifest; then its amendments'.

        What is there is what this export has sent or fetched: others of the same name can be of one size.
        """
        watcher.begin("uploading", None)
        if _entry(folder, MANIFEST) not in _noted(folder):
            self._unsay()
        noted = _noted(folder)
        for name in _all_names(folder):
            entry = _entry(folder, name)
            if entry not in noted or self._size(name) != (folder / name).stat().st_size:
                self._put(folder / name, name)
                _note(folder, entry)

    def _put(self, path: Path, name: str) -> None:
        """Large files go in parts."""
        with self._asked(name):
            self._obstore.put(self._store, name, path)
        if self._size(name) != path.stat().st_size:
            raise DamagedExport(f"{self._url}/{name} is not as long as what was sent")

    def _unsay(self) -> None:
        """Another export was here: its manifests go before its files do, or they would vouch for these."""
        amended = takewhile(lambda name: self._size(name) is not None, _amendments())
        for name in (MANIFEST, *reversed(list(amended))):
            if self._size(name) is not None:
                with self._asked(name):
                    self._obstore.delete(self._store, name)

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


def _clear(work: Path) -> None:
    """All but what holds it; last of all what says that it is to be cleared."""
    for path in work.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.suffix != ".lock" and path.name != _FETCHING:
            path.unlink()
    (work / _FETCHING).unlink()


def _amendments() -> Iterator[str]:
    return (f"{AMENDMENTS}/{number:04d}/{MANIFEST}" for number in range(1, 10_000))


def _files(folder: Path) -> Iterator[tuple[str, int]]:
    """All that manifests name, with the sizes; of raw answers that is the list of their checksums."""
    for layer in layers_of(folder):
        raw = layer.manifest.raw
        for file in (*layer.manifest.files, *([raw] if raw else [])):
            yield _prefix(layer) + file.name, file.bytes


def _all_names(folder: Path) -> Iterator[str]:
    """All that is to be sent, in its order."""
    for layer in layers_of(folder):
        names = [file.name for file in layer.manifest.files]
        if layer.manifest.raw:
            names += [f"{RAW}/{path.name}" for path in sorted((layer.folder / RAW).iterdir())]
        yield from (_prefix(layer) + name for name in (*names, MANIFEST))


def _prefix(layer: Layer) -> str:
    return f"{layer.name}/" if layer.name else ""


def _entry(folder: Path, name: str) -> str:
    return f"{digest_of(folder / name)}  {name}"


def _note(folder: Path, entry: str) -> None:
    with (folder / _SENT).open("a") as file:
        file.write(f"{entry}\n")


def _noted(folder: Path) -> set[str]:
    path = folder / _SENT
    return set(path.read_text().splitlines()) if path.exists() else set()
