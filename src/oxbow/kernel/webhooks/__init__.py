"""Callbacks: delivered, retried, signed, and remembered."""

from oxbow.kernel.webhooks.models import Delivery, DeliveryState, Hook, Verdict, masked_url
from oxbow.kernel.webhooks.service import WebhookService
from oxbow.kernel.webhooks.store import DeliveryFilter

__all__ = [
    "Delivery",
    "DeliveryFilter",
    "DeliveryState",
    "Hook",
    "Verdict",
    "WebhookService",
    "masked_url",
]
