"""Airbyte's CDK copies a month that moves by manifest.yaml, a low-code connector with its OffsetIncrement."""

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
CATALOG: Final = {
    "streams": [
        {
            "stream": {"name": "calls", "json_schema": {}, "supported_sync_modes": ["full_refresh"]},
            "sync_mode": "full_refresh",
            "destination_sync_mode": "append",
        }
    ]
}


def copier(service: Service, key: str) -> Copy:
    """Copies by our connector."""
    return copier_of(HERE / "manifest.yaml", service, key)


def printed_copier(service: Service, key: str) -> Copy:
    """Copies by the connector of the documents."""
    return copier_of(write_recipe("yaml airbyte", service.folder / "printed.yaml"), service, key)


def copier_of(manifest: Path, service: Service, key: str) -> Copy:
    """Copies by the CDK's command; the key goes by a file, where nobody else on the machine can see it."""
    catalog = service.folder / "catalog.json"
    catalog.write_text(json.dumps(CATALOG), encoding="utf-8")

    def copy(name: str, query: Mapping[str, str]) -> list[Row]:
        config = service.folder / f"{name}.json"
        config.write_text(json.dumps({"url": service.url, "key": key, **query}), encoding="utf-8")
        arguments = [
            "read",
            f"--config={config}",
            f"--catalog={catalog}",
            f"--manifest-path={manifest}",
        ]
        return copy_by(HERE / "connector.py", arguments, service.folder / f"{name}.ndjson", _record_of)

    return copy


def changes_copier(service: Service, key: str) -> FeedCopy:
    """Copies increments by the connector of the documents."""
    manifest = write_recipe("yaml airbyte-changes", service.folder / "changes.yaml")
    stream = {
        "stream": {
            "name": "calls",
            "json_schema": {},
            "supported_sync_modes": ["full_refresh", "incremental"],
        },
        "sync_mode": "incremental",
        "cursor_field": ["revision"],
        "destination_sync_mode": "append_dedup",
        "primary_key": [["id"]],
    }
    catalog, config = service.folder / "changes-catalog.json", service.folder / "changes-config.json"
    catalog.write_text(json.dumps({"streams": [stream]}), encoding="utf-8")
    config.write_text(json.dumps({"url": service.url, "key": key}), encoding="utf-8")
    arguments = ["read", f"--config={config}", f"--catalog={catalog}", f"--manifest-path={manifest}"]
    return FeedCopy(HERE / "connector.py", arguments, service.folder)


def _record_of(message: dict[str, Any]) -> dict[str, Any] | None:
    return message["record"]["data"] if message["type"] == "RECORD" else None


def main() -> int:
    """Returns the exit status."""
    with running_service() as service:
        month = new_month(service, copier)
        increments = Increments(service, month.key, changes_copier(service, month.key))
        moving = check_while_moving(month, increments)
        after = run_checks(
            {
                "the last increment": increments.equals_the_ledger,
                "the connector of the documents": lambda: month.copies_by(printed_copier),
            }
        )
        return moving or after


if __name__ == "__main__":
    sys.exit(main())
