"""The command line; see :mod:`gradmask.lab.cli.main`."""

import sys

from gradmask.lab.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
