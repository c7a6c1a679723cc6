"""The output airlock: what stands between an analyst's own table and the world.

Belongs here: the description of an output, its rules, its comparison with all that is public, and the queue with its
roles. Does not belong here: reading marts and keys of a platform (`polku.research.airlock`), and the command line.
"""
