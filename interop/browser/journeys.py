"""Journeys: what people do on the pages, each a function that drives a browser as they would.

A page's journeys are in a file `NAME_journeys.py` of this folder, which is found by that name:

    SHOWN = (Shown("quality", "/quality", "operations"),)


    @journey
    def a_bad_route_is_seen(visit: Visit) -> None:
        \"\"\"Operations looks which route got worse, and opens its calls.\"\"\"
        page = visit.sign_in("operations", "/quality")
        page.get_by_role("link", name="route-3").click()
        expect(page).to_have_url(re.compile("route=route-3"))

The function's name is the journey's, and its docstring says who does what. It fails by an assertion, and also
where the page said something in the console, asked another machine, or fetched what is not there.
What is in SHOWN is looked at by axe in both themes.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final, NamedTuple

from interop.browser.visits import Visit

HERE: Final = Path(__file__).parent
_ENDING: Final = "_journeys"


class Journey(NamedTuple):
    """One thing that people do."""

    name: str
    play: Callable[[Visit], None]


class View(NamedTuple):
    """A page to look at: what to call it, where it is, and who looks (nobody, where `who` is empty)."""

    name: str
    path: str
    who: str = "support"


_journeys: Final[list[Journey]] = []


def journey(play: Callable[[Visit], None]) -> Callable[[Visit], None]:
    """Make a function a journey. Raises ValueError where it does not say who does what."""
    name = play.__name__.replace("_", " ")
    if not play.__doc__:
        raise ValueError(f"the journey {name!r} needs a docstring that says who does what")
    _journeys.append(Journey(name, play))
    return play


def found() -> tuple[Sequence[Journey], Sequence[View]]:
    """All journeys and all pages of this folder."""
    displayed: list[View] = []
    for file in sorted(HERE.glob(f"*{_ENDING}.py")):
        displayed += import_module(f"interop.browser.{file.stem}").VIEWS
    return _journeys, displayed
