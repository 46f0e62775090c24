"""The bank's server: HTTP around the core, and nothing that decides."""
