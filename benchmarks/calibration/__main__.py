import sys

from benchmarks.calibration.measure import main

sys.exit(main())
