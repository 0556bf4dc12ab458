"""The live room's only SQL: configuration, streams, history and certificates, on SQLite and PostgreSQL."""

from oxbow.rooms.live.store.acme import AcmeStore
from oxbow.rooms.live.store.activities import ActivityStore
from oxbow.rooms.live.store.certificates import CertificateStore
from oxbow.rooms.live.store.checks import CheckStore
from oxbow.rooms.live.store.claims import ClaimStore
from oxbow.rooms.live.store.configuration import Configuration, ConfigurationStore
from oxbow.rooms.live.store.minutes import MinuteStore
from oxbow.rooms.live.store.streams import StreamStore

__all__ = [
    "AcmeStore",
    "ActivityStore",
    "CertificateStore",
    "CheckStore",
    "ClaimStore",
    "Configuration",
    "ConfigurationStore",
    "MinuteStore",
    "StreamStore",
]
