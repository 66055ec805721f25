"""pandas, Polars, DuckDB and pyarrow read exported folders and the client's tables; Jupyter runs a notebook.

The folder has everything that an export can have beside its calls: a manifest, raw responses, an amendment.
"""

import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import duckdb
import nbformat
import pandas as pd
import polars as pl
from nbclient import NotebookClient
from pyarrow import dataset

from interop.checks import expect, run_checks
from interop.service import Service, running_service

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = str(ROOT / "src")
NOTEBOOK: Final = ROOT / "examples" / "notebook" / "calls.ipynb"
TENANT: Final = "acme"
CALLS: Final = 3_000
PICTURES: Final = 3
AMOUNT: Final = Decimal("0.0140")
TOTAL: Final = CALLS * AMOUNT
STATUSES: Final = ("completed", "completed", "no-answer", "busy", "failed")


def events(now: datetime) -> Iterator[dict[str, Any]]:
    """Calls of the last four weeks, each with a cost."""
    for number in range(CALLS):
        yield {
            "id": f"event-{number}",
            "call_sid": f"call-{number}",
            "occurred_at": (now - timedelta(minutes=13 * number + 5)).isoformat(),
            "status": STATUSES[number % len(STATUSES)],
            "route": ("sales", "support")[number % 2],
            "duration_seconds": number % 300 if number % len(STATUSES) < 2 else None,  # noqa: PLR2004 (completed)
            "cost": {"amount": str(AMOUNT), "currency": "USD"},
        }


class Frames:
    """A tenant with calls, its client, and a folder with its export and an amendment."""

    def __init__(self, service: Service) -> None:
        from calltally.client import Client  # deferred: its path is set by `main`

        service.new_tenant(TENANT)
        _, self.key = service.new_key(TENANT, "calls:read", "events:write")
        self.service = service
        self.client = Client(service.url, self.key)
        now = datetime.now(UTC)
        self.client.send_events(events(now))  # type: ignore[arg-type] # fields as of JSON
        self.folder = service.folder / "calls"
        self._export(now)
        late = {"id": "late", "call_sid": "call-1", "occurred_at": now.isoformat(), "summary": "Late."}
        self.client.send_events([late])  # type: ignore[list-item] # the same
        self._export(now)

    def _export(self, now: datetime) -> None:
        window = ("--from", "2020-01-01", "--to", now.isoformat())
        server = ("--base-url", self.service.url, "--key", self.key, "--quiet")
        form = ("--format", "parquet", "--partition", "day", "--raw", "--out", str(self.folder))
        self.service.run("export", *window, *server, *form)

    def pandas_reads_the_folder(self) -> str:
        frame = pd.read_parquet(self.folder, dtype_backend="pyarrow")
        expect("calls", len(frame), CALLS)
        expect("costs", frame["cost"].struct.field("amount").sum(), TOTAL)
        others = sorted(path.name for path in self.folder.iterdir() if path.name.startswith("_"))
        expect("other files", others, ["_amendments", "_manifest.json", "_raw"])
        return f"{len(frame)} calls in {len(list(self.folder.glob('*.parquet')))} files"

    def pyarrow_reads_the_folder(self) -> str:
        table = dataset.dataset(self.folder).to_table(columns=["id", "cost"])
        expect("calls", table.num_rows, CALLS)
        return str(table.schema.field("cost").type)

    def polars_reads_the_folder(self) -> str:
        amounts = pl.scan_parquet(self.folder / "*.parquet").select(
            pl.col("cost").struct.field("amount").sum()
        )
        expect("costs", amounts.collect().item(), TOTAL)
        return f"costs of {TOTAL} USD"

    def duckdb_reads_the_folder(self) -> str:
        query = f"SELECT count(*), sum(cost.amount) FROM '{self.folder}/*.parquet'"  # noqa: S608 (our own folder)
        expect("calls and costs", duckdb.sql(query).fetchall(), [(CALLS, TOTAL)])
        return f"costs of {TOTAL} USD"

    def tables_of_the_client_are_equal(self) -> str:
        arrow, pandas, polars = self.client.to_arrow(), self.client.to_pandas(), self.client.to_polars()
        sids = arrow.column("call_sid").to_pylist()
        expect("calls", len(sids), CALLS)
        expect("pandas", list(pandas["call_sid"]), sids)
        expect("Polars", polars["call_sid"].to_list(), sids)
        expect("costs in Polars", polars["cost"].struct.field("amount").sum(), TOTAL)
        expect("times in Polars", polars["created_at"].dtype, pl.Datetime("us", "UTC"))
        expect("DuckDB", duckdb.sql("SELECT sum(cost.amount) FROM arrow").fetchall(), [(TOTAL,)])
        return f"{arrow.num_rows} calls, {arrow.nbytes // 1024} KiB"

    def jupyter_runs_the_notebook(self) -> str:
        notebook = nbformat.read(NOTEBOOK, as_version=4)
        os.environ.update(CALLTALLY_BASE_URL=self.service.url, CALLTALLY_API_KEY=self.key)
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
        pictures = [each for each in outputs if "image/png" in each.get("data", {})]
        expect("pictures", len(pictures), PICTURES)
        expect("other streams", [each for each in outputs if each.output_type == "stream"], [])
        return f"{len(pictures)} plots"


def main() -> int:
    """Returns the exit status."""
    # The client of this checkout, also in the kernel.
    sys.path.append(SOURCE)
    os.environ["PYTHONPATH"] = SOURCE
    with running_service(rate_alerts="false") as service:
        frames = Frames(service)
        return run_checks(
            {
                "pandas, a folder": frames.pandas_reads_the_folder,
                "pyarrow, a folder": frames.pyarrow_reads_the_folder,
                "Polars, a folder": frames.polars_reads_the_folder,
                "DuckDB, a folder": frames.duckdb_reads_the_folder,
                "tables of the client": frames.tables_of_the_client_are_equal,
                "the notebook": frames.jupyter_runs_the_notebook,
            }
        )


if __name__ == "__main__":
    sys.exit(main())
