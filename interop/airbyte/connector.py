"""The CDK's own command for manifests, `source-declarative-manifest`, kept on this machine."""

import sys

from airbyte_cdk.cli.source_declarative_manifest import run

from interop.loopback import forbid_the_network, outside_attempts


def main() -> None:
    """Takes the arguments of that command."""
    forbid_the_network()
    run()
    if outside_attempts():
        sys.exit(f"looked outside: {outside_attempts()}")


if __name__ == "__main__":
    main()
