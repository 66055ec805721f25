"""As much of curl as the documents use, for machines without: -sS, -f, -i, -X, -H, -d and --data-binary."""

import argparse
import sys
from http import HTTPStatus
from http.client import HTTPResponse
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

FAILED = 22


def main(words: list[str]) -> int:
    """Print the answer's body; returns the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("-f", action="store_true", dest="fails")
    parser.add_argument("-i", action="store_true", dest="shows_head")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", action="append", default=[], dest="headers")
    parser.add_argument("-d", "--data-binary", action="append", default=[], dest="data")
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-S", action="store_true")
    requested = parser.parse_args(words)
    body = "&".join(map(_content, requested.data)).encode() if requested.data else None
    headers = dict(map(_header, requested.headers))
    request = Request(requested.url, body, headers, method=requested.method)  # noqa: S310 (of our server)
    try:
        with urlopen(request, timeout=30) as answer:  # noqa: S310 (of our server)
            sys.stdout.buffer.write(_reported(answer, shows_head=requested.shows_head))
    except HTTPError as other:
        # Among them what did not change (304), which is no failure.
        if requested.fails and other.code >= HTTPStatus.BAD_REQUEST:
            return FAILED
        sys.stdout.buffer.write(_reported(other, shows_head=requested.shows_head))
    return 0


def _reported(answer: HTTPResponse | HTTPError, *, shows_head: bool) -> bytes:
    named = [f"{name}: {value}" for name, value in answer.headers.items()]
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *named, "", ""]
    return ("\r\n".join(lines) if shows_head else "").encode() + answer.read()


def _content(data: str) -> str:
    return Path(data[1:]).read_text(encoding="utf-8") if data.startswith("@") else data


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
