"""Callbacks: delivered, retried, signed, and remembered.

The service is in :mod:`oxbow.kernel.webhooks.service`: media workers know hooks, and carry no database.
"""

from oxbow.kernel.webhooks.models import Delivery, DeliveryState, Hook, Verdict, masked_url

__all__ = ["Delivery", "DeliveryState", "Hook", "Verdict", "masked_url"]
