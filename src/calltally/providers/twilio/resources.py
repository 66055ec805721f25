"""Call resources of Twilio's REST API as facts: from an export, its list, or a signed JSON body.

Source: Twilio's "Call resource" page. Times are RFC 2822.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from calltally.calls.events import Fact
from calltally.providers import json_documents
from calltally.providers.callback import Refusal, Source
from calltally.providers.twilio import words
from calltally.providers.twiml_callbacks import CALL_STATUSES
from calltally.providers.twiml_resources import SHAPE, Dialect, fields_of, reader

fact_of: Final = reader(Dialect(words.NAME, fields_of(CALL_STATUSES, words.DIRECTIONS)))


def list_facts(lines: Iterable[bytes], source: Source) -> Iterator[Fact | Refusal]:
    """Each call of a resource, a page `{"calls": […]}`, an array, NDJSON, or any nest of those."""
    return json_documents.list_facts(lines, source, SHAPE, fact_of)
