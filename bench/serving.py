"""Serve one of `bench.apps` with the HTTP server and the options that `calltally serve` has.

`python -m bench.serving MODULE PORT`. Nothing of Calltally is imported here: what the smallest
application starts with and holds is measured too.
"""

import asyncio
import importlib
import sys

import uvicorn
import uvloop


def main() -> None:
    """Serve until told to stop."""
    module, port = sys.argv[1:]
    config = uvicorn.Config(
        importlib.import_module(module).app,
        host="127.0.0.1",
        port=int(port),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http="httptools",
        ws="none",
        lifespan="on",
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())


if __name__ == "__main__":
    main()
