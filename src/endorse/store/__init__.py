"""What is remembered: one way to read, one way to change, on SQLite or PostgreSQL."""

from endorse.store.store import Store, open_store, require_database

__all__ = ["Store", "open_store", "require_database"]
