"""Budgetly: the demo's third-party app, a small budget book that connects to a bank with OAuth.

It uses Authlib as a stranger would and shares no code with the server, so that a misreading of a
specification cannot cancel itself out.
"""

from endorse.sandbox.budgetly.app import create_app

__all__ = ["create_app"]
