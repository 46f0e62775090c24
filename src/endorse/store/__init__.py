"""What is remembered: one way to read, one way to change, on SQLite or PostgreSQL."""

from endorse.store.opening import open_store, require_database
from endorse.store.store import Store

__all__ = ["Store", "open_store", "require_database"]
