"""What stands between releases: who is in a cell, what has been public of it, and what may follow.

Belongs here: sketches of cells' members, the release ledger, and the decision which figures may change. Does not
belong here: protection and attack within one release, and where a platform keeps its files.
"""
