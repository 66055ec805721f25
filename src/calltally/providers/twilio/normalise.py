"""A genuine Twilio callback as facts: a status callback, a `<Dial>` action, or Call resources in JSON."""

from typing import Final

from calltally.calls.events import Fact
from calltally.providers.callback import Callback
from calltally.providers.form import is_form
from calltally.providers.json_documents import callback_facts
from calltally.providers.twilio import words
from calltally.providers.twilio.resources import fact_of
from calltally.providers.twiml_callbacks import CALL_STATUSES, Dialect, fields_of, form_facts
from calltally.providers.twiml_resources import SHAPE

_DIALECT: Final = Dialect(words.NAME, fields_of(CALL_STATUSES, words.DIRECTIONS))


def facts_of(callback: Callback) -> list[Fact]:
    """What the callback says, a fact for each call that it speaks of.

    Raises NotUnderstood, naming the field and its value, for what cannot be read: then nothing of the
    body counts, so that its replay finds it whole.
    """
    if is_form(callback.headers):
        return form_facts(callback, _DIALECT)
    return callback_facts(callback, SHAPE, fact_of)
