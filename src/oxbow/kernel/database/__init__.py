"""The database: SQLite in the home directory, or PostgreSQL; one transaction a session."""

from oxbow.kernel.database.away import DatabaseUnavailableError
from oxbow.kernel.database.base import Base
from oxbow.kernel.database.database import Database
from oxbow.kernel.database.dialects import Upsert, sorted_by_bytes, upsert
from oxbow.kernel.database.migrate import SchemaTooNewError
from oxbow.kernel.database.remembered import Remembered

__all__ = [
    "Base",
    "Database",
    "DatabaseUnavailableError",
    "Remembered",
    "SchemaTooNewError",
    "Upsert",
    "sorted_by_bytes",
    "upsert",
]
