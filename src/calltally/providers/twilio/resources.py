"""Facts from Call resources of Twilio's REST API, from an export, a list, or a signed JSON body.

Source: Twilio's "Call resource" page. Times are RFC 2822.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from calltally.calls.events import Fact
from calltally.providers import json_documents
from calltally.providers.callback import RecordSource, UnreadableRecord
from calltally.providers.twilio import words
from calltally.providers.twiml_callbacks import CALL_STATUSES
from calltally.providers.twiml_resources import SHAPE, ResourceDialect, fields_of, resource_reader

fact_of: Final = resource_reader(ResourceDialect(words.NAME, fields_of(CALL_STATUSES, words.DIRECTIONS)))


def list_facts(lines: Iterable[bytes], source: RecordSource) -> Iterator[Fact | UnreadableRecord]:
    """Yield each call of a resource, a page `{"calls": […]}`, an array, NDJSON, or any nesting of these."""
    return json_documents.list_facts(lines, source, SHAPE, fact_of)
