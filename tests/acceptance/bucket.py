"""A stand-in for S3, of what an export asks: put, get, head and delete objects, also in parts."""

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Bucket:
    """Objects, and parts of unfinished uploads. After `limit` puts it fails.

    `deletes` says after how many puts each was.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.puts: list[str] = []
        self.deletes: list[tuple[int, str]] = []
        self.limit: int | None = None


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    bucket: Bucket

    def do_PUT(self) -> None:
        name, query = self._requested()
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.bucket.limit is not None and len(self.bucket.puts) >= self.bucket.limit:
            self._answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            return
        if "uploadId" in query:
            self.bucket.parts[query["uploadId"][0]][int(query["partNumber"][0])] = body
        else:
            self.bucket.objects[name] = body
            self.bucket.puts.append(name)
        self._answer(200, b"", body)

    def do_POST(self) -> None:
        name, query = self._requested()
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        if "delete" in query:
            answer = self._deleted(name.rstrip("/"), re.findall(r"<Key>(.*?)</Key>", body.decode()))
        elif "uploadId" in query:
            parts = self.bucket.parts.pop(query["uploadId"][0])
            self.bucket.objects[name] = b"".join(body for _, body in sorted(parts.items()))
            self.bucket.puts.append(name)
            answer = "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"
        else:
            upload = f"upload-{len(self.bucket.puts)}"
            self.bucket.parts[upload] = {}
            answer = (
                "<InitiateMultipartUploadResult>"
                f"<UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            )
        self._answer(200, answer.encode())

    def _deleted(self, bucket: str, keys: list[str]) -> str:
        for key in keys:
            self.bucket.objects.pop(f"{bucket}/{key}", None)
            self.bucket.deletes.append((len(self.bucket.puts), f"{bucket}/{key}"))
        reported = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        return f"<DeleteResult>{reported}</DeleteResult>"

    def do_GET(self) -> None:
        name, _ = self._requested()
        found = self.bucket.objects.get(name)
        if found is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
            return
        requested = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["range"] or "")
        self._answer(200, found[int(requested[1]) : int(requested[2]) + 1] if requested else found, found)

    do_HEAD = do_GET  # noqa: N815 (as the library has it)

    def _requested(self) -> tuple[str, dict[str, list[str]]]:
        parts = urlsplit(self.path)
        return parts.path.lstrip("/"), parse_qs(parts.query, keep_blank_values=True)

    def _answer(self, status: int, body: bytes, whole: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.send_header("etag", f'"{hashlib.md5(whole, usedforsecurity=False).hexdigest()}"')
        self.send_header("last-modified", "Tue, 24 Nov 2026 12:00:00 GMT")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def standing_in(bucket: Bucket) -> Iterator[dict[str, str]]:
    """The variables by which S3's clients find it, for as long as the block runs."""
    handler = type("Handler", (_Handler,), {"bucket": bucket})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield {
                "AWS_ENDPOINT": f"http://127.0.0.1:{http.server_address[1]}",
                "AWS_ALLOW_HTTP": "true",
                "AWS_REGION": "eu-central-1",
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
            }
        finally:
            http.shutdown()
            thread.join()
