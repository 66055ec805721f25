"""Facts from Twilio: status callbacks, `<Dial>` actions, Event Streams, or Call resources in JSON."""

from typing import Final

from calltally.calls.events import Fact
from calltally.providers.callback import Callback
from calltally.providers.form import is_form
from calltally.providers.json_documents import callback_facts
from calltally.providers.twilio import words
from calltally.providers.twilio.event_streams import is_event_body, stream_facts
from calltally.providers.twilio.resources import fact_of
from calltally.providers.twiml_callbacks import CALL_STATUSES, CallbackDialect, fields_of, form_facts
from calltally.providers.twiml_resources import SHAPE

_DIALECT: Final = CallbackDialect(words.NAME, fields_of(CALL_STATUSES, words.DIRECTIONS))


def facts_of(callback: Callback) -> list[Fact]:
    """Return a fact for each call in the callback.

    Raises NotUnderstood with the name and value of an unreadable field. Then no fact of the body counts, so
    that a replay reads the whole body. Raises PartlyUnderstood for a batch of events of which some are read.
    """
    if is_form(callback.headers):
        return form_facts(callback, _DIALECT)
    if is_event_body(callback.body):
        return stream_facts(callback, _DIALECT)
    return callback_facts(callback, SHAPE, fact_of)
