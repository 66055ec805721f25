"""Links of notifications lead to lists that the API and the pages accept."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from calltally.alerts.model.series import Dimension
from calltally.alerts.notify.notification import calls_url
from calltally.calls.filters import FILTERS


@pytest.mark.parametrize("dimension", [each for each in Dimension if each is not Dimension.TENANT])
def test_links_have_only_filters_of_the_list(dimension: Dimension) -> None:
    listed = {"from": "2026-11-02T09:35:00.000000Z", dimension.value: "a b", "status": "busy,failed"}
    url = calls_url("https://calls.example.com", listed)
    names = {name for name, _ in parse_qsl(urlsplit(url).query)}
    assert names <= {row.name for row in FILTERS}
    assert {"from", "status"} <= names
    assert (dimension is Dimension.PROVIDER_ACCOUNT) == (dimension.value not in names)
