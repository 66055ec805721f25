"""The stock dlt rest_api source over the call list, into DuckDB."""

import os
import runpy
from collections.abc import Mapping
from contextlib import chdir
from typing import Any, Final

import dlt
from dlt.sources.rest_api import RESTAPIConfig, rest_api_source

from interop.moving import Copy, Row
from interop.recipes import recipe
from interop.service import Service
from interop.window import LIST

# No divisor of any total here, so that last pages are short.
PAGE: Final = 700
# By dlt's preference, SQL, DuckDB takes eight times as long for 100,000 rows, and gigabytes.
FILES: Final = "parquet"
# The window of the documents, `from` and `to`.
_PRINTED_WINDOW: Final = ("2026-10-01", "2026-11-01")


class Copier:
    """A key's call list, and the means to copy it."""

    def __init__(self, service: Service, key: str) -> None:
        self._service, self._key = service, key

    def pipeline(self, name: str) -> Any:  # noqa: ANN401 (dlt is not among the typed packages)
        """A pipeline into a database of its own."""
        target = dlt.destinations.duckdb(str(self._service.folder / f"{name}.duckdb"))
        return dlt.pipeline(pipeline_name=name, destination=target, dataset_name="copy")

    def source(self, endpoint: dict[str, Any]) -> Any:  # noqa: ANN401 (as above)
        """The stock source over the list, told no more than its documentation asks for."""
        resource = {
            "name": "calls",
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {"path": LIST, "data_selector": "data", **endpoint},
        }
        config: RESTAPIConfig = {
            "client": {
                "base_url": self._service.url,
                "auth": {"type": "bearer", "token": self._key},
                "paginator": {"type": "offset", "limit": PAGE, "total_path": "total"},
            },
            "resources": [resource],
        }
        return rest_api_source(config)

    def copy(self, name: str, query: Mapping[str, str]) -> Any:  # noqa: ANN401 (as above)
        """The pipeline that has copied `query` into a fresh database."""
        pipeline = self.pipeline(name)
        # Kept as they come: a merge would hide a row that was served twice.
        pipeline.run(
            self.source({"params": dict(query)}), write_disposition="append", loader_file_format=FILES
        )
        return pipeline


def month_copier(service: Service, key: str) -> Copy:
    """Copier of the moving month."""
    copier = Copier(service, key)

    def copy(name: str, query: Mapping[str, str]) -> list[Row]:
        return _rows_of(copier.copy(name, query))

    return copy


def printed_copier(service: Service, key: str) -> Copy:
    """Copier by the program of the documents."""

    def copy(name: str, query: Mapping[str, str]) -> list[Row]:
        text = recipe("python dlt")
        for old, new in (
            ("http://127.0.0.1:8080", service.url),
            *zip(_PRINTED_WINDOW, query.values(), strict=True),
        ):
            text = text.replace(old, new)
        program = service.folder / f"{name}.py"
        program.write_text(text, encoding="utf-8")
        os.environ["CALLTALLY_KEY"] = key
        with chdir(service.folder):
            return _rows_of(runpy.run_path(str(program))["pipeline"])

    return copy


class ChangesCopy:
    """Increments of the change feed into DuckDB, by the program of the documents."""

    def __init__(self, service: Service, key: str) -> None:
        self._folder, self._key = service.folder, key
        self._program = service.folder / "changes.py"
        text = recipe("python dlt-changes").replace("http://127.0.0.1:8080", service.url)
        self._program.write_text(text, encoding="utf-8")
        self._pipeline: Any = None

    def run(self) -> None:
        """Copy the changes since the last run."""
        os.environ["CALLTALLY_KEY"] = self._key
        with chdir(self._folder):
            self._pipeline = runpy.run_path(str(self._program))["pipeline"]

    def revisions(self) -> Mapping[str, int]:
        """Return the revision of each call of the copy, by its id."""
        with chdir(self._folder), self._pipeline.sql_client() as client:
            return dict(client.execute_sql("SELECT id, revision FROM calls"))


def _rows_of(pipeline: Any) -> list[Row]:  # noqa: ANN401 (as above)
    with pipeline.sql_client() as client:
        # In microseconds, so that no time zone comes into it.
        rows = client.execute_sql("SELECT id, epoch_us(created_at), status, revision FROM calls")
    return [Row(*row) for row in rows]
