"""Texts of the search field and of its results."""

from collections.abc import Mapping
from typing import Final

SEARCH_TEXTS: Final[Mapping[str, str]] = {
    "search": "Number, SID, name or words",
    "search_label": "Find",
    "searched_ending": "Searched for numbers that end in {value}.",
    "searched_two_endings": "Searched for numbers that end in {value} or {international}.",
    "searched_number": "Searched for the number {value}.",
    "searched_call_sid_prefix": "Searched for call SIDs that begin with {value}.",
    "searched_route": "Searched for the route {value}.",
    "searched_agent": "Searched for the agent {value}.",
    "searched_provider": "Searched for the provider {value}.",
    "searched_words": "Searched summaries for {value}.",
    "searched_spoken": "Searched summaries and transcripts for {value}.",
    "search_instead": "Search instead for:",
    "instead_number": "the number {value}",
    "instead_call_sid_prefix": "SIDs that begin with {value}",
    "instead_route": "the route {value}",
    "instead_agent": "the agent {value}",
    "instead_provider": "the provider {value}",
    "instead_status": "calls with the status {value}",
    "instead_escalated": "escalated calls",
    "instead_q": "the words {value}",
    "try_fewer_digits": "Enter fewer digits: the last four to nine are enough.",
    "try_more_digits": "Enter four digits or more: then numbers that end in them are found.",
    "try_country": "For national numbers such as 030 1234567, set the tenant's country:"
    " calltally tenant country {tenant} --set CODE.",
    "try_words": "A search finds whole words. End a word with * to match its beginning.",
    "try_transcripts": "Transcripts are searched too with a key that has the scope transcripts:read.",
    "try_day": "To list the calls of a day, enter it as 2026-10-31.",
    "try_sid": "SIDs are case-sensitive. Enter fewer characters, at least six.",
    "try_window": "Choose a longer period, or remove the other filters.",
    "call_sid_prefix": "SID begins with",
    "from_number": "Caller's number",
    "to_number": "Called number",
    "parent_call_sid": "Parent SID",
    "updated_from": "Updated from",
    "updated_to": "Updated to",
}
