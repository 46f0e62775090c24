"""The server's secret, for commands that work on its database without its other settings."""

from collections.abc import Mapping

from endorse.server.keys import Keys, read_secret
from endorse.store import Store, reads


async def audit_key(store: Store, environment: Mapping[str, str]) -> bytes:
    """Give the key of the audit trail; b"" without a secret. Raises ValueError for a bad one.

    The secret is ENDORSE_SECRET, or the one that a sandbox keeps beside its data.
    """
    given = environment.get("ENDORSE_SECRET") or await store.read(reads.sandbox_key)
    if not given:
        return b""
    try:
        return Keys(read_secret(given)).audit
    except ValueError as error:
        raise ValueError(f"ENDORSE_SECRET {error}.") from None
