"""What runs at the research platform: deliveries in, encrypted tables that models and analysts read out.

Belongs here: opening, identities, landing, storage, the analysts' snapshot. Does not belong here: anything that
another party runs, orchestration, and what data mean (dbt).
"""
