"""What leaves: released tables with their definitions, pictures and manifest.

Belongs here: when it is published, and what Dagster shows of it. Does not belong here: the files
themselves (`polku.publication`).
"""

from __future__ import annotations
