"""Accounts and the key pairs that sign for them."""

from oxbow.kernel.accounts.models import Account, KeyPair, User
from oxbow.kernel.accounts.service import AccountService
from oxbow.kernel.accounts.store import AccountStore

__all__ = ["Account", "AccountService", "AccountStore", "KeyPair", "User"]
