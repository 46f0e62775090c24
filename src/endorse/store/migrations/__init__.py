"""Numbered, forward-only changes of the schema, run at start."""
