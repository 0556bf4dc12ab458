"""Audit: who changed what, when, from where, before and after.

A store calls :func:`record` inside the transaction of the change, so that both are kept or neither.  Who acts
is known from the context: the gateway says so for API requests, :func:`acting_as` for what the server does by
itself.
"""

from oxbow.kernel.audit.actor import Actor, acting_as, acting_as_action, current_actor
from oxbow.kernel.audit.store import AuditStore, columns_of, record, recorded

__all__ = [
    "Actor",
    "AuditStore",
    "acting_as",
    "acting_as_action",
    "columns_of",
    "current_actor",
    "record",
    "recorded",
]
