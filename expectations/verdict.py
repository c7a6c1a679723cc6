"""What a gate says: passed, failed, or could not be judged.

Belongs here: the answer's shape. Does not belong here: any rule. A verdict never holds a value of a
row; it names register, table, column and rule, and counts.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Verdict:
    """The answer of one gate. `checked` is the number of rules that were stated.

    `failures` are sentences for people. A gate that could not judge is as closed as one that failed.
    """

    name: str
    checked: int
    failures: tuple[str, ...] = ()
    could_judge: bool = True

    @classmethod
    def not_judged(cls, name: str, error: Exception) -> Verdict:
        """The gate stays closed because of `error`, of which only the kind is told: its text may hold values."""
        return cls(name, 0, (f"nothing could be judged ({type(error).__name__})",), could_judge=False)

    @property
    def passed(self) -> bool:
        """Whether the gate is open."""
        return self.could_judge and not self.failures
