"""The schema's history: one linear list of revisions for all rooms, in ``versions``."""
