"""The overview page in the afternoon of the last day of the data: the server's processor time."""

from functools import partial

from bench.apps.overview import URL
from bench.lab import Lab
from bench.processes import application
from bench.rows.dashboard import measured_page, signed_in
from bench.rows.pages import page_path
from bench.table import Row


async def overview(lab: Lab) -> list[Row]:
    """The page's p95, in a browser and on a wall."""
    dataset = await lab.dataset()
    environment = {URL: dataset.url}
    async with application("overview", environment, probe=page_path(1), key=dataset.key) as server:
        cookie = signed_in(server, dataset.key)
        paths = {"overview": "/", "overview, on a wall": "/?wall=1"}
        return [await measured_page(server, cookie, name, partial(str, path)) for name, path in paths.items()]
