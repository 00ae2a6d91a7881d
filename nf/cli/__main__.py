"""`python -m nf.cli` is the `nf` command, for an interpreter of one's choice."""

import sys

from nf.cli import main

sys.exit(main())
