"""The synthetic twin of a study: invented persons in six registers, with a known truth.

Belongs here: everything that invents data. Does not belong here: anything that reads real extracts; no
other part of Polku depends on the twin but its command and the demonstration.
"""

from polku.twin.making import TwinReport, make_twin

__all__ = ["TwinReport", "make_twin"]
