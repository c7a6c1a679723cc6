"""What runs at an authority: an extract in, sealed packages out.

Belongs here: reading extracts, replacing identifiers, screening, sealing. Does not belong here: anything that
another party runs, and what travels between them (`polku.exchange`).
"""
