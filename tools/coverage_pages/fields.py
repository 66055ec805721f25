"""Effects of each field of a provider's samples on its facts, found by removing and changing the field."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from calltally.calls.errors import NotUnderstood
from calltally.calls.events import UNREAD, Channel, Fact
from calltally.providers.callback import Callback, RecordSource, UnreadableRecord
from calltally.providers.known_fields import without_page
from calltally.providers.provider import Provider
from tests.unit.providers.sampling import HOST, NOW_US, Records, Samples, Sent, path_of
from tools.coverage_pages.bodies import (
    Path,
    Tree,
    changed,
    leaves,
    other_value,
    tree_of_body,
    tree_of_query,
    tree_of_text,
)

# Our names by the names of facts, where the record's names differ.
_NAMES: Final[Mapping[str, str]] = {
    "started_us": "created_at",
    "ringing_us": "ring_seconds",
    "answered_us": "answered_at",
    "ended_us": "ended_at",
    "talk_seconds": "duration_seconds",
    "end_word": "ending",
    "end_side": "ending",
    "mapped_route": "route",
    "mapped_agent": "agent",
    "platform_agent": "agent",
    "occurred_us": "occurred_at",
    "links": "linked ids",
    "conversation": "transcript",
    "event_id": "event id",
}
_OF_FACT: Final = ("call_sid", "event_id", "sequence", "occurred_us", "links", "conversation")

Effects: TypeAlias = dict[Path, set[str]]
# Returns the facts of a tree's value. Raises NotUnderstood for an unreadable one.
FactsOf: TypeAlias = Callable[[Any], list[Fact]]


def webhook_effects(provider: Provider, samples: Samples) -> Effects:
    """Return the fields of the requests, each with the names of ours that it decides."""
    found: Effects = {}
    for sent in samples.story:
        for tree, facts_of in _readers(provider, samples, sent):
            _add_effects(found, tree, facts_of)
    return found


def record_effects(provider: Provider, records: Records) -> Effects:
    """Return the fields of an export, each with the names of ours that it decides."""
    found: Effects = {}
    tree = tree_of_text(records.file)
    if tree is not None and provider.list_facts is not None:
        _add_effects(found, tree, _record_reader(provider, tree))
    return found


def text_of(path: Path) -> str:
    """Return a path as text, such as `legs[].id`; a record of a page has the path that it has alone."""
    return without_page(".".join(path).replace(".[]", "[]"))


def _readers(provider: Provider, samples: Samples, sent: Sent) -> Iterator[tuple[Tree, FactsOf]]:
    body, query = tree_of_body(sent), tree_of_query(sent)
    if body is not None:
        encode_body = body.encode
        yield body, lambda value: webhook_facts(provider, samples, sent._replace(body=encode_body(value)))
    if query is not None:
        encode_query = query.encode
        yield (
            query,
            lambda value: webhook_facts(provider, samples, sent._replace(query=encode_query(value).decode())),
        )


def webhook_facts(provider: Provider, samples: Samples, sent: Sent) -> list[Fact]:
    """Return the facts of a request; none for a provider without callbacks."""
    if provider.webhook is None:
        return []
    headers = {"content-type": sent.content_type} if sent.content_type else {}
    url = HOST + path_of(provider.name, sent)
    mapping = samples.secrets.get("mapping", "")
    return provider.webhook.facts_of(Callback(sent.method, url, headers, sent.body, NOW_US, mapping=mapping))


def _record_reader(provider: Provider, tree: Tree) -> FactsOf:
    list_facts = provider.list_facts

    def facts_of(value: object) -> list[Fact]:
        if list_facts is None:
            return []
        lines = tree.encode(value).splitlines(keepends=True)
        items = list(list_facts(lines, RecordSource(Channel.IMPORT, NOW_US, "switch")))
        unreadable = next((item for item in items if isinstance(item, UnreadableRecord)), None)
        if unreadable is not None:
            raise NotUnderstood(unreadable.reason)
        return [item for item in items if isinstance(item, Fact)]

    return facts_of


def _add_effects(found: Effects, tree: Tree, facts_of: FactsOf) -> None:
    try:
        before = facts_of(tree.value)
    except NotUnderstood:
        before = []
    for path in leaves(tree.value):
        names = found.setdefault(path, set())
        for change in (lambda _: None, other_value):
            names |= _difference(before, facts_of, changed(tree.value, path, change))


def _difference(before: list[Fact], facts_of: FactsOf, value: object) -> set[str]:
    try:
        after = facts_of(value)
    except NotUnderstood:
        return {"required"}
    if len(before) != len(after):
        return {"kind of event"}
    return {name for one, two in zip(before, after, strict=True) for name in _differing(one, two)}


def _differing(one: Fact, two: Fact) -> Iterator[str]:
    for name in _OF_FACT:
        if getattr(one, name) != getattr(two, name):
            yield _NAMES.get(name, name)
    stated: tuple[Mapping[str, Any], Mapping[str, Any]] = (one.stated, two.stated)
    for name in stated[0].keys() | stated[1].keys():
        if name != UNREAD and stated[0].get(name) != stated[1].get(name):
            yield _NAMES.get(name, name)
