"""`python -m polku`: the same as the command `polku`.

Belongs here: nothing else. Does not belong here: any command (`polku.cli`).
"""

import sys

from polku.cli import start

sys.exit(start())
