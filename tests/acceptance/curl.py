"""As much of curl as the documents use, for machines that have none: -sS, -f, -H, -d and --data-binary."""

import argparse
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

FAILED = 22


def main(words: list[str]) -> int:
    """Print the answer's body; returns the exit status."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("-f", action="store_true", dest="fails")
    parser.add_argument("-H", action="append", default=[], dest="headers")
    parser.add_argument("-d", "--data-binary", action="append", default=[], dest="data")
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-S", action="store_true")
    asked = parser.parse_args(words)
    body = "&".join(map(_content, asked.data)).encode() if asked.data else None
    headers = dict(map(_header, asked.headers))
    try:
        with urlopen(Request(asked.url, body, headers), timeout=30) as answer:  # noqa: S310 (of our server)
            sys.stdout.write(answer.read().decode())
    except HTTPError as problem:
        sys.stdout.write("" if asked.fails else problem.read().decode())
        return FAILED if asked.fails else 0
    return 0


def _content(data: str) -> str:
    return Path(data[1:]).read_text(encoding="utf-8") if data.startswith("@") else data


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name, value.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
