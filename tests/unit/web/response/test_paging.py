"""The Link header of a page."""

import pytest

from calltally.web.response.paging import PageWindow, page_links


def links(query: bytes, limit: int, offset: int, total: int, snapshot: str | None = None) -> dict[str, str]:
    header = page_links("/list", query, PageWindow(limit, offset, total, snapshot)).decode()
    parts = [part.partition("; ") for part in header.split(", ")]
    return {relation.removeprefix('rel="').rstrip('"'): url.strip("<>") for url, _, relation in parts}


def test_middle_page_has_all_four_links() -> None:
    assert links(b"limit=10&offset=20", 10, 20, 45) == {
        "first": "/list?limit=10&offset=0",
        "prev": "/list?limit=10&offset=10",
        "next": "/list?limit=10&offset=30",
        "last": "/list?limit=10&offset=40",
    }


def test_first_page_has_no_prev_and_last_page_no_next() -> None:
    assert sorted(links(b"", 25, 0, 26)) == ["first", "last", "next"]
    assert sorted(links(b"", 25, 25, 26)) == ["first", "last", "prev"]
    assert sorted(links(b"", 25, 1, 26)) == ["first", "last", "prev"]


def test_an_empty_list_has_one_page() -> None:
    assert links(b"", 25, 0, 0) == {"first": "/list?limit=25&offset=0", "last": "/list?limit=25&offset=0"}


def test_the_last_page_of_a_full_grid_is_not_empty() -> None:
    assert links(b"", 25, 0, 50)["last"] == "/list?limit=25&offset=25"


def test_prev_from_beyond_the_end_leads_to_rows() -> None:
    assert links(b"", 10, 1_000, 45)["prev"] == "/list?limit=10&offset=35"


def test_other_parameters_stay_with_repetitions_and_escapes() -> None:
    query = b"status=failed&limit=5&status=busy&from=2026-10-01T00:00:00%2B02:00"
    assert links(query, 5, 0, 1)["first"] == (
        "/list?status=failed&status=busy&from=2026-10-01T00%3A00%3A00%2B02%3A00&limit=5&offset=0"
    )


def test_invalid_header_characters_are_encoded() -> None:
    header = page_links("/list", b"route=a>%0d%0aset-cookie:%20x,%22", PageWindow(1, 0, 0))
    assert b"\r" not in header
    assert b"\n" not in header
    assert b"route=a%3E%0D%0Aset-cookie%3A+x%2C%22&" in header


def test_every_link_has_the_snapshot_of_its_page() -> None:
    assert links(b"status=busy", 10, 20, 45, "s2") == {
        "first": "/list?status=busy&snapshot=s2&limit=10&offset=0",
        "prev": "/list?status=busy&snapshot=s2&limit=10&offset=10",
        "next": "/list?status=busy&snapshot=s2&limit=10&offset=30",
        "last": "/list?status=busy&snapshot=s2&limit=10&offset=40",
    }


@pytest.mark.parametrize(
    "requested", [b"snapshot=s1", b"hold=nightly", b"after=550e8400-e29b-81d4-a716-446655440000"]
)
def test_hold_and_after_become_snapshot_and_offset(requested: bytes) -> None:
    found = links(requested + b"&order=asc", 10, 7, 45, "s2")
    assert found["next"] == "/list?order=asc&snapshot=s2&limit=10&offset=17"
    assert {link.count("=") for link in found.values()} == {4}
