"""A bank of its own, as an operator writes one, for tests of `endorse serve`."""

from __future__ import annotations

from datetime import UTC, datetime

from endorse.sandbox import SandboxBank


def bank() -> SandboxBank:
    """Make the bank; settings name this function."""
    return SandboxBank("own", lambda: datetime.now(UTC).date())
