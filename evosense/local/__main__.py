"""`python -m evosense.local run | manage ARGS… | with -- COMMAND…`."""

import sys

from evosense.local.cli import main

sys.exit(main(sys.argv[1:]))
