"""Released tables that are rounded or noisy instead of having gaps, where a study chooses so.

Belongs here: which protections there are (`protections`), which table may have which (`choice`), and the released form
of such tables (`making`). Does not belong here: tables with gaps (`protection`), rounding and noise as methods
(`rounding`, `cell_key`), and the gate that judges the result.
"""
