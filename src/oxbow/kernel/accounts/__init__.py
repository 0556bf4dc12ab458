"""Accounts and the key pairs that sign for them."""
