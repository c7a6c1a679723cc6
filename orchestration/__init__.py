"""When and in what order: jobs, the schedule, sensors, and the one page of definitions.

Belongs here: Dagster's wiring. Does not belong here: what an asset does (`assets/`) and business rules.
"""

import assets  # noqa: F401 - first: it tells the garbage collector to be patient
