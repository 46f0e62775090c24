"""The `endorse` command."""

from endorse.cli.main import main

__all__ = ["main"]
