"""Export to a bucket (`--out s3://...`): made in a local folder, then uploaded, with the manifest last."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from calltally.client.errors import InvalidArgument, NotInstalled
from calltally.client.exporting.amendments import check_same_export
from calltally.client.exporting.errors import BucketRefused, DamagedExport
from calltally.client.exporting.exported_state import ExportLayer, read_layers
from calltally.client.exporting.files import file_sha256
from calltally.client.exporting.manifest import manifest_path, read_manifest
from calltally.client.exporting.names import manifest_names
from calltally.client.exporting.output import ExportFolder, ExportRun, ProgressListener
from calltally.client.exporting.pages import ExportSource
from calltally.client.exporting.request import ExportPlan
from calltally.client.exporting.runs import RerunMode, exclusive_access, run_export

SCHEME: Final = "s3"
_CHECKPOINT_NAME: Final = "export.checkpoint"
# List in the local folder of the files that the bucket already has, with their digests.
_SENT_LIST: Final = ".sent"
# Mark that exists until the downloaded files are compared: files beside it came from the bucket.
_FETCHING_MARK: Final = ".fetching"


def is_bucket_url(out: str) -> bool:
    """Return True for a bucket URL. Raises InvalidArgument for a URL of another kind."""
    scheme = urlsplit(out).scheme if "://" in out else ""
    if scheme and (scheme != SCHEME or not urlsplit(out).netloc):
        raise InvalidArgument.of("out", f"--out {out!r} is neither a folder nor s3://BUCKET/PREFIX")
    return bool(scheme)


def run_bucket_export(
    source: ExportSource, plan: ExportPlan, out: str, progress: ProgressListener, *, rerun: RerunMode
) -> ExportLayer:
    """Run an export to a bucket. Files that are not uploaded yet stay in the local folder for the next run.

    Raises the errors of `run_export`, NotInstalled, and DamagedExport if the bucket has other content.
    """
    work = Path(f"calltally-export-{hashlib.sha256(out.encode()).hexdigest()[:8]}")
    bucket = ExportBucket(out)
    folder = ExportFolder(work, work / _CHECKPOINT_NAME)
    with exclusive_access(folder):
        if (work / _FETCHING_MARK).exists():
            _clear_work_folder(work)
        unsent = None if folder.checkpoint.exists() else read_manifest(work)
        if rerun is RerunMode.RESTART:
            (work / _SENT_LIST).unlink(missing_ok=True)
        if rerun is RerunMode.RESTART or unsent is None:
            if rerun is RerunMode.AMEND and not folder.checkpoint.exists():
                bucket.fetch_all(work, progress)
            run_export(ExportRun(source, plan, folder, progress), rerun)
            (work / _FETCHING_MARK).unlink(missing_ok=True)
        else:
            check_same_export(plan, work, unsent, is_resumed=True)
        bucket.put_all(work, progress)
        done = read_layers(work)[-1]
        shutil.rmtree(work)
    return done


class ExportBucket:
    """Prefix of a bucket. Credentials, region and endpoint come from the AWS_* variables."""

    def __init__(self, url: str) -> None:
        try:
            import obstore  # deferred: installed only for exports to a bucket
            from obstore.exceptions import BaseError  # deferred: the same
            from obstore.store import S3Store  # deferred: the same
        except ModuleNotFoundError as fault:
            raise NotInstalled.of("an export to s3://", "obstore", extra="s3") from fault
        self._obstore: Any = obstore
        self._fault: type[Exception] = BaseError
        self._store: Any = S3Store.from_url(url)
        self._url = url

    def fetch_all(self, folder: Path, progress: ProgressListener) -> None:
        """Download the bucket's export into `folder`, if there is one."""
        (folder / _FETCHING_MARK).touch()
        if self._fetch_first(folder, manifest_names(0)):
            self._fetch_named(folder, progress)
        else:
            (folder / _FETCHING_MARK).unlink()

    def _fetch_named(self, folder: Path, progress: ProgressListener) -> None:
        progress.notify(f"downloading the export in {self._url} to compare it")
        for number in count(1):
            if not self._fetch_first(folder, manifest_names(number)):
                break
        for name, size in _named_files(folder):
            if not self._fetch(folder, name) or (folder / name).stat().st_size != size:
                raise DamagedExport(f"{self._url}/{name} differs from its manifest")
            _record_sent(folder, _digest_entry(folder, name))
        for layer in read_layers(folder):
            _record_sent(folder, _digest_entry(folder, _manifest_name(layer)))

    def put_all(self, folder: Path, progress: ProgressListener) -> None:
        """Upload missing files: those of the export, its manifest, then those of its amendments.

        Only files that this export has uploaded or downloaded count as present: another file with the same
        name can have the same size.
        """
        progress.begin("uploading", None)
        if _digest_entry(folder, manifest_path(folder).name) not in _sent_entries(folder):
            self._delete_manifests()
        sent = _sent_entries(folder)
        for name in _upload_names(folder):
            entry = _digest_entry(folder, name)
            if entry not in sent or self._size(name) != (folder / name).stat().st_size:
                self._put(folder / name, name)
                _record_sent(folder, entry)

    def _put(self, path: Path, name: str) -> None:
        """Upload a file and check its size. Large files are uploaded in parts."""
        with self._bucket_errors(name):
            self._obstore.put(self._store, name, path)
        if self._size(name) != path.stat().st_size:
            raise DamagedExport(f"{self._url}/{name} has another size than the uploaded file")

    def _delete_manifests(self) -> None:
        """Delete the manifests of an earlier export first, or they would describe the new files."""
        for number in count():
            found = [name for name in manifest_names(number) if self._size(name) is not None]
            for name in found:
                with self._bucket_errors(name):
                    self._obstore.delete(self._store, name)
            if number and not found:
                break

    def _size(self, name: str) -> int | None:
        with self._bucket_errors(name):
            try:
                return int(self._obstore.head(self._store, name)["size"])
            except FileNotFoundError:
                return None

    def _fetch_first(self, folder: Path, names: Iterator[str]) -> bool:
        return any(self._fetch(folder, name) for name in names)

    def _fetch(self, folder: Path, name: str) -> bool:
        path = folder / name
        with self._bucket_errors(name):
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
    def _bucket_errors(self, name: str) -> Iterator[None]:
        try:
            yield
        except self._fault as fault:
            # The further lines of the library's text contain its whole state, with headers.
            why = str(fault).partition("\n")[0]
            message = f"{self._url}/{name}: {why}"
            raise BucketRefused(message) from fault


def _clear_work_folder(work: Path) -> None:
    """Remove all files but the locks, and the mark of the unfinished download last."""
    for path in work.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.suffix != ".lock" and path.name != _FETCHING_MARK:
            path.unlink()
    (work / _FETCHING_MARK).unlink()


def _named_files(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield all files in the manifests with their sizes; for raw responses, the list of checksums."""
    for layer in read_layers(folder):
        raw = layer.manifest.raw
        for file in (*layer.manifest.files, *([raw] if raw else [])):
            yield _prefix(layer) + file.name, file.bytes


def _upload_names(folder: Path) -> Iterator[str]:
    """Yield all files to upload, in order."""
    for layer in read_layers(folder):
        names = [file.name for file in layer.manifest.files]
        if layer.manifest.raw:
            raw = (layer.folder / layer.manifest.raw.name).parent
            names += [f"{raw.name}/{path.name}" for path in sorted(raw.iterdir())]
        yield from (_prefix(layer) + name for name in names)
        yield _manifest_name(layer)


def _manifest_name(layer: ExportLayer) -> str:
    return _prefix(layer) + manifest_path(layer.folder).name


def _prefix(layer: ExportLayer) -> str:
    return f"{layer.name}/" if layer.name else ""


def _digest_entry(folder: Path, name: str) -> str:
    return f"{file_sha256(folder / name)}  {name}"


def _record_sent(folder: Path, entry: str) -> None:
    with (folder / _SENT_LIST).open("a") as file:
        file.write(f"{entry}\n")


def _sent_entries(folder: Path) -> set[str]:
    path = folder / _SENT_LIST
    return set(path.read_text().splitlines()) if path.exists() else set()
