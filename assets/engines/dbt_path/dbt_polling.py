"""How often dbt asks Spark whether a statement is done.

Belongs here: the adapter's pause, replaced in dbt's own process like its handler of errors (`dbt_withheld`). Does not
belong here: anything else that dbt does. A profile can say whole seconds alone, and many statements take less than one.
"""

from __future__ import annotations

from typing import Any

from dbt.adapters.spark.connections import PyhiveConnectionWrapper

SECONDS = 0.1

_opened = PyhiveConnectionWrapper.__init__


def _asking_often(self: Any, *args: Any, **settings: Any) -> None:
    _opened(self, *args, **settings)
    self.poll_interval = SECONDS


_wrapper: Any = PyhiveConnectionWrapper
_wrapper.__init__ = _asking_often
