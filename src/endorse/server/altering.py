"""How a phone is told of the connection that a request would change."""

from endorse.core import consent
from endorse.core.model import Grant, Journey
from endorse.server.shapes import Changed


def changed(journey: Journey, grant: Grant | None) -> Changed | None:
    """Describe the grant that a journey's request names, as it is now; None for a new one."""
    if grant is None:
        return None
    return Changed(
        grant_id=grant.grant_id,
        how=journey.request.grant_action,
        revision=grant.revision,
        scope=grant.scope,
        accounts=grant.accounts,
        created_at=consent.timestamp(grant.created_at),
        valid_until=consent.timestamp(grant.expires_at),
    )
