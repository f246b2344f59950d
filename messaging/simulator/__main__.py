import sys

from messaging.simulator.run import main

sys.exit(main())
