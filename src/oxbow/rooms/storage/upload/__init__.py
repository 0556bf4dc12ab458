"""Uploads: the policy that a token carries, the ways in which bytes arrive, and what happens then."""
