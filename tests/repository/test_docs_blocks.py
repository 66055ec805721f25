"""Every block of the documents is run by a test, or is no command and no Python."""

import json
import tomllib
from collections.abc import Iterator
from typing import Final, NamedTuple

import pytest
import yaml
from markdown_it import MarkdownIt

from tests.acceptance import pages

# Nothing to run, and nothing that could be wrong by itself.
OUTPUT: Final = {"text", "sql"}
RUN_BY_PAGE: Final = {"sh run", "sh serve", "sh watch", "python run"}
# Run by `make interop` and `make ops`, which install what they need.
INTEROP: Final = {
    "js node": "interop/webhooks/run.py",
    "python dlt": "interop/dlt/copier.py",
    "python dlt-changes": "interop/dlt/copier.py",
    "python singer": "interop/singer/run.py",
    "python singer-changes": "interop/singer/run.py",
    "yaml airbyte": "interop/airbyte/run.py",
    "yaml airbyte-changes": "interop/airbyte/run.py",
    "sh typescript": "interop/openapi/run.py",
    "sh python": "interop/openapi/run.py",
    "sh go": "interop/openapi/run.py",
    **{
        f"sh {name}": "ops/containers/compose.py"
        for name in ("image", "compose", "tenant", "upgrade", "postgresql", "monitoring")
    },
}
# Blocks that need somebody else's service, by their page and first line.
_AS_PRINTED: Final = {command: command for command in pages.STANDS_FOR}
EXEMPT: Final = {
    ("README.md", 'curl -sS "http://127.0.0.1:8080/api/v1/call-logs?limit=25&offset=0" \\'): (
        "the demo makes the key; tests/acceptance/test_demo.py runs the request as the demo prints it"
    ),
    (
        "docs/how-to/connect-a-carrier.md",
        "calltally reconcile --provider telnyx --tenant acme --month 2026-10",
    ): ("Telnyx's API; tests/integration/test_reconcile_provider.py runs it over a stand-in"),
    (
        "docs/how-to/connect-twilio.md",
        "twilio api:events:v1:sinks:create --description Calltally --sink-type webhook \\",
    ): ("Twilio's command line and an account"),
    (
        "docs/how-to/reconcile-with-the-provider.md",
        "calltally reconcile --provider twilio --tenant acme --month 2026-10",
    ): ("Twilio's API; tests/integration/test_reconcile_provider.py runs it over a stand-in"),
    (
        "docs/how-to/reconcile-with-the-provider.md",
        "calltally reconcile --provider vapi --tenant acme --month 2026-10 --heal",
    ): ("Vapi's API; tests/integration/test_reconcile_provider.py runs it over a stand-in"),
    ("docs/how-to/examine-an-installation.md", "calltally doctor --clock-of twilio"): (
        "Twilio's API; tests/integration/doctor/test_command.py runs it over a stand-in"
    ),
    ("docs/how-to/analyse-calls-in-python.md", "pip install 'calltally[pandas]'"): "a package index",
    ("docs/how-to/analyse-calls-in-python.md", "pip install 'calltally[pandas]' matplotlib jupyterlab"): (
        "a package index; tests/acceptance/test_notebook.py runs the notebook"
    ),
    ("docs/how-to/install.md", 'pipx install "calltally[server]"'): "a package index",
    ("docs/how-to/install.md", 'uvx --from "calltally[server]" calltally serve'): "a package index",
    ("docs/how-to/install.md", "python3 -m venv calltally"): "a package index",
    ("docs/how-to/install.md", "make dist"): "a package index; interop/package runs it",
    ("docs/how-to/run-on-many-machines.md", "calltally db distribute"): (
        "Citus; tests/integration/store/backends/postgres/test_citus.py runs it over a stand-in"
    ),
    ("docs/how-to/run-on-kubernetes.md", "kubectl kustomize deploy/kubernetes"): (
        "a cluster; ops/kubernetes/run.py renders the manifests and checks them"
    ),
    (
        "docs/how-to/run-on-kubernetes.md",
        "kubectl --namespace calltally delete job migrate --ignore-not-found",
    ): ("a cluster; ops/kubernetes/run.py renders the manifests and checks them"),
    ("docs/how-to/use-the-python-client.md", "pip install calltally"): "a package index",
    ("docs/reference/python-client.md", "pip install calltally"): "a package index",
}


class PageBlock(NamedTuple):
    """A block as a Markdown renderer finds it."""

    page: str
    info: str
    text: str

    @property
    def key(self) -> tuple[str, str]:
        return self.page, self.text.partition("\n")[0]

    def __str__(self) -> str:
        return f"{self.page}: {self.key[1]}"


def rendered_blocks() -> Iterator[PageBlock]:
    renderer = MarkdownIt("commonmark").enable("table")
    for page in pages.PAGES:
        for token in renderer.parse(page.read_text()):
            if token.type in {"fence", "code_block"}:
                yield PageBlock(str(page.relative_to(pages.ROOT)), token.info.strip(), token.content)


BLOCKS: Final = sorted(set(rendered_blocks()))


def test_every_block_names_its_language() -> None:
    """A block that is indented, or whose fence says nothing, would escape the other tests."""
    assert [str(block) for block in BLOCKS if not block.info] == []


def test_every_command_and_every_program_is_run() -> None:
    languages = {
        "bash",
        "console",
        "pycon",
        "python",
        "python3",
        "sh",
        "shell",
        "js",
        "yaml airbyte",
        "yaml airbyte-changes",
    }
    of_a_language = [block for block in BLOCKS if {block.info, block.info.partition(" ")[0]} & languages]
    assert len(of_a_language) > 200
    assert [str(block) for block in of_a_language if not _is_run(block)] == []


def _is_run(block: PageBlock) -> bool:
    """Return whether a test runs the block, whole and from its page."""
    page = pages.ROOT / block.page
    if block.info in RUN_BY_PAGE:
        return page in pages.runnable() and block.text.strip() in pages.script(page, _AS_PRINTED)
    if block.info == pages.CLONE:
        return page in pages.of_clones() and block.text.strip() in pages.clone_script(page, {})
    if block.info in INTEROP:
        program = (pages.ROOT / INTEROP[block.info]).read_text()
        language = block.info.partition(" ")[2]
        forms = (
            *(f'"{block.info}"', f"```{block.info}", f'generate("{language}")'),
            *(f'block("{language}")', f'recipe("{language}", PAGE)'),
        )
        return any(form in program for form in forms)
    return block.key in EXEMPT


def test_only_existing_blocks_are_exempt() -> None:
    assert EXEMPT.keys() <= {block.key for block in BLOCKS if block.info == "sh"}
    assert [block.info for block in BLOCKS if block.key in EXEMPT] == ["sh"] * len(EXEMPT)


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.info.split()[:1] in (["json"], ["toml"], ["yaml"])], ids=str
)
def test_data_can_be_read(block: PageBlock) -> None:
    readers = {"json": json.loads, "toml": tomllib.loads, "yaml": yaml.safe_load}
    assert readers[block.info.split()[0]](block.text)
