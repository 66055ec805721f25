"""Collector of messages, and the list that it makes."""

import pytest

from tools.messages.collect import LIST, listed_messages, messages_of


def test_list_is_up_to_date() -> None:
    assert LIST.read_text(encoding="utf-8") == listed_messages(), "run `make pages`, and read the difference"


@pytest.mark.parametrize(
    ("source", "messages"),
    [
        ('raise InvalidInput.of("days", f"give {n + 1} days")', ["give {n + 1} days"]),
        ('message = "the port is in use"\nraise Misconfigured(message)', ["the port is in use"]),
        (
            '_NO_KEY: Final = (\n    "the request has no key; "\n    f"send {this}"\n)',
            ["the request has no key; send {this}"],
        ),
        ('typer.echo("1 number" if n == 1 else f"{n} numbers left")', ["{n} numbers left"]),
        ('def f() -> None:\n    """Return the text."""\n    return "two  words\\n"', ["two words"]),
        ('log.info("stopped at last", port=port)', ["stopped at last"]),
        ('x = Statement("add_key", {"a": "b c"})', []),
        ('write("<p class=a>no page</p>")', []),
        ('raise E("same words twice")\nraise E("same words twice")', ["same words twice"]),
    ],
)
def test_messages_of_a_module(source: str, messages: list[str]) -> None:
    assert messages_of(source) == messages


def test_every_text_of_a_page_is_a_message() -> None:
    assert messages_of('TEXTS = {"key": "Save", "other": "Sign in"}', is_page=True) == ["Save", "Sign in"]
