"""The coverage pages list every field of the samples and of the vendors' published payloads."""

import json
from pathlib import Path
from typing import Any, Final

import pytest

from calltally.providers.known_fields import is_known
from calltally.providers.registry import PROVIDERS
from tests.unit.providers.sampling import samples_of
from tools.coverage_pages.__main__ import ROOT, files
from tools.coverage_pages.bodies import changed, leaves
from tools.coverage_pages.fields import text_of, webhook_effects

SHARED: Final = ROOT.parent / "shared" / "data"


def test_pages_and_lists_are_those_that_the_readers_give() -> None:
    stale = [str(path) for path, text in files().items() if (ROOT / path).read_text() != text]
    assert stale == [], "run `make pages`"


def test_a_field_is_listed_with_the_parts_of_the_record_that_it_decides() -> None:
    effects = webhook_effects(PROVIDERS["telnyx"], samples_of("telnyx"))
    assert {text_of(path): names for path, names in effects.items()}["data.payload.total_cost"] == {"cost"}


def test_leaves_are_found_once_and_removed_everywhere() -> None:
    value = {"legs": [{"id": "1", "end": None}, {"id": "2"}], "tags": []}
    assert [text_of(path) for path in leaves(value)] == ["legs[].id", "legs[].end", "tags"]
    assert changed(value, ("legs", "[]", "id"), lambda _: None) == {"legs": [{"end": None}, {}], "tags": []}


if SHARED.is_dir():
    PAYLOADS: Final = [
        (folder.name, file)
        for folder in sorted(SHARED.iterdir())
        if folder.name in PROVIDERS
        for file in sorted(folder.glob("*.json*"))
        if "vector" not in file.name
    ]

    @pytest.mark.parametrize(
        ("provider", "file"), PAYLOADS, ids=[f"{name}-{file.name}" for name, file in PAYLOADS]
    )
    def test_every_field_of_a_published_payload_is_listed(provider: str, file: Path) -> None:
        found = {text_of(path) for document in documents_of(file) for path in leaves(document)}
        assert [name for name in sorted(found) if not is_known(provider, name)] == []


def documents_of(file: Path) -> list[Any]:
    """Return the payloads of a file; examples of a REST API are two levels below its top."""
    text = file.read_text()
    if file.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    document = json.loads(text)
    if "examples" in file.name:
        return [each for operation in document.values() for each in operation.values()]
    return [document]
