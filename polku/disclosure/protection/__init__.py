"""Protection: which cells of linked tables are hidden, with a certificate for each that must stay uncertain.

Belongs here: primary and secondary suppression and its proof. Does not belong here: the attack that judges the
result (`polku.disclosure.attack`), and what is done with it.
"""
