"""Who is compared with whom, how alike they are, and by how much their outcomes differ.

Belongs here: what the models cannot say in SQL: the propensity score, matching, the balance reached, differences with
their standard errors. Does not belong here: who is in a study group and what is known of persons before the entry
(marts `cohort`, `covariate`), and what may leave (`disclosure`).
"""
