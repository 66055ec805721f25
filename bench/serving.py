"""Serve one of `bench.apps` with the server and the settings that `calltally serve` has.

`python -m bench.serving MODULE PORT`
"""

import asyncio
import importlib
import sys

import uvloop

from calltally.cli.serve import listen, run_server


def main() -> None:
    """Serve until told to stop."""
    module, port = sys.argv[1:]
    app = importlib.import_module(module).app
    with (
        listen("127.0.0.1", int(port)) as listening,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(run_server(app, listening, trust_proxy=False))


if __name__ == "__main__":
    main()
