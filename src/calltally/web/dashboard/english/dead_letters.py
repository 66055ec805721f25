"""Texts of the dead-letter pages."""

from collections.abc import Mapping
from typing import Final

DEAD_LETTER_TEXTS: Final[Mapping[str, str]] = {
    "dead_letters": "Dead letters",
    "dead_letter": "Dead letter",
    "dead_letters_hint": "Signed callbacks that this version could not read. Their complete requests are"
    " stored. Correct the mapping or update Calltally, then replay them. Those that can then be read are"
    " added to their calls.",
    "dead_letters_of": "Only dead letters of {provider}.",
    "dead_letters_all": "Show all providers",
    "dead_letters_some": "{count} dead letters",
    "dead_letters_some_one": "1 dead letter",
    "no_dead_letters": "No dead letters.",
    "no_dead_letters_hint": "Every signed callback could be read.",
    "received": "Received",
    "cause": "Cause",
    "times_received": "Times received",
    "replay": "Replay",
    "replay_these": "Replay these {count}",
    "replay_these_one": "Replay this one",
    "replay_a_letter": "To replay dead letters",
    "to_the_dead_letters": "All dead letters",
    "letter_state": "State",
    "letter_waits": "waits for a replay",
    "letter_kept": "describes no call; no replay is needed",
    "letter_replayed": "replayed {at}",
    "letter_gone": "There is no dead letter with this id. It may have expired.",
    "request": "Request",
    "headers": "Headers",
    "raw_masked": "This tenant masks phone numbers. Raw bodies contain them, and need the scope pii:read.",
    "see_the_request": "To see the request with its raw body",
    "replayed_some": "{understood} read ({facts}), {dead} still not readable.",
    "replayed_nothing": "no facts",
    "replayed_gone": "Nothing to replay: these dead letters were replayed or have expired.",
}
