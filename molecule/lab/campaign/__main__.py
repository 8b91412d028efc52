"""``python -m lab.campaign``."""

import sys

from lab.campaign.cli import main

sys.exit(main())
