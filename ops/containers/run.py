"""Build of the image. With SCRIPT=compose.py, `interop/run` runs the whole path of the guide instead."""

import sys

from ops.containers.compose import IMAGE_CHECK, run_path

if __name__ == "__main__":
    sys.exit(run_path(IMAGE_CHECK))
