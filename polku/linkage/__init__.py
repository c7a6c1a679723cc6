"""What runs at the linkage unit: tokens in, re-keyed tokens out.

Belongs here: re-keying. Does not belong here: rows of registers, which this party never sees, and what travels
between parties (`polku.exchange`).
"""
