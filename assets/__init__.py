"""Dagster assets: what is made, and which gate stands before it.

Belongs here: thin assets that call the library and the gates, and what Dagster shows of them. Does not
belong here: business rules, longer SQL, and when things run (`orchestration`). dbt's process imports one
module of this package, so this file imports nothing but the garbage collector and the environment.
"""

import gc
import os

# Before numpy is imported, here or in dbt: its threads wait for each other at full speed, and on a busy machine they
# took five seconds of CPU time for half a second of work.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# A night and its dbt import thousands of classes that stay to the end. Looking through them again and again for garbage
# takes two seconds; tables are Arrow and DuckDB, which the collector does not see.
gc.set_threshold(100_000, 20, 100)
