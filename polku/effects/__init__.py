"""Who is compared with whom, and how alike they are.

Belongs here: what the models cannot say in SQL: the propensity score, matching on it, and the balance reached. Does not
belong here: who is in a study group and what is known of persons before the entry (marts `cohort`, `covariate`), and
what may leave (`disclosure`).
"""
