"""A tap made of the Singer SDK's RESTStream, with its OffsetPaginator, over a month that moves."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from interop.checks import run_checks
from interop.connectors import FeedCopy, copy_by
from interop.increments import Increments, check_while_moving
from interop.moving import Copy, Row, new_month
from interop.recipes import write_recipe
from interop.service import Service, running_service

HERE: Final = Path(__file__).parent


def copier(service: Service, key: str) -> Copy:
    """Copies by the tap; the key goes by a file, where nobody else on the machine can see it."""

    def copy(name: str, query: Mapping[str, str]) -> list[Row]:
        config = service.folder / f"{name}.json"
        settings = {"url": service.url, "key": key, "parameters": query}
        config.write_text(json.dumps(settings), encoding="utf-8")
        return copy_by(HERE / "tap.py", [f"--config={config}"], service.folder / f"{name}.ndjson", _record_of)

    return copy


def printed_copier(service: Service, key: str) -> Copy:
    """Copies by the tap of the documents."""
    tap = write_recipe("python singer", service.folder / "printed_tap.py")

    def copy(name: str, query: Mapping[str, str]) -> list[Row]:
        config = service.folder / f"{name}.json"
        config.write_text(json.dumps({"url": service.url, "key": key, **query}), encoding="utf-8")
        return copy_by(tap, [f"--config={config}"], service.folder / f"{name}.ndjson", _record_of)

    return copy


def changes_copier(service: Service, key: str) -> FeedCopy:
    """Copies increments by the tap of the documents."""
    tap = write_recipe("python singer-changes", service.folder / "changes_tap.py")
    config = service.folder / "changes-config.json"
    config.write_text(json.dumps({"url": service.url, "key": key}), encoding="utf-8")
    return FeedCopy(tap, [f"--config={config}"], service.folder)


def _record_of(message: dict[str, Any]) -> dict[str, Any] | None:
    return message["record"] if message["type"] == "RECORD" else None


def main() -> int:
    """Returns the exit status."""
    with running_service() as service:
        month = new_month(service, copier)
        increments = Increments(service, month.key, changes_copier(service, month.key))
        moving = check_while_moving(month, increments)
        after = run_checks(
            {
                "the last increment": increments.equals_the_ledger,
                "the tap of the documents": lambda: month.copies_by(printed_copier),
            }
        )
        return moving or after


if __name__ == "__main__":
    sys.exit(main())
