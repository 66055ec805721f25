"""The reference of the client lists all public names."""

from calltally import client
from calltally.calls.errors import CalltallyError
from calltally.client import Client, errors, once, webhooks
from calltally.client.once import aio
from tests.acceptance import pages

SECTIONS = {
    section.partition("\n")[0].strip("`"): [name for name, _ in pages.rows(section)]
    for section in (pages.ROOT / "docs/reference/python-client.md").read_text().split("\n## ")[1:]
}


def public(module: object, kind: type) -> set[str]:
    name = getattr(module, "__name__", "")
    return {
        word
        for word, each in vars(module).items()
        if isinstance(each, kind) and each.__module__ == name and not word.startswith("_")
    }


def test_reference_lists_the_exported_names() -> None:
    assert sorted(SECTIONS["calltally.client"]) == client.__all__


def test_reference_lists_the_operations() -> None:
    defined = {name for name in vars(Client) if not name.startswith("_")} - {"close"}
    assert set(SECTIONS["Operations"]) == defined


def test_reference_lists_the_errors() -> None:
    defined = {name for name in public(errors, type) if issubclass(getattr(errors, name), CalltallyError)}
    assert set(SECTIONS["Errors"]) == defined - {"ClientError"}


def test_reference_lists_the_names_of_webhooks() -> None:
    functions = {
        name for name, each in vars(webhooks).items() if getattr(each, "__module__", "") == webhooks.__name__
    }
    assert set(SECTIONS["Webhooks"]) == {name for name in functions if not name.startswith("_")}


def test_reference_lists_the_names_of_once() -> None:
    assert sorted(SECTIONS["calltally.client.once"]) == sorted(once.__all__)
    blocks = {name for name in vars(aio) if not name.startswith("_") and name in once.__all__}
    names = SECTIONS["calltally.client.once"]
    between = names[names.index("install") : names.index("settle") + 1]
    assert blocks >= set(between) - {"SCHEMA"}
