"""Weigh the risk of a claim: gather what is known, ask the bank's risk check, keep its verdict."""

from endorse.core.model import Hint, Journey, Phone
from endorse.risk import Circumstances, Way
from endorse.server.desk import Desk


async def weighed(
    desk: Desk, journey: Journey, phone: Phone, way: Way, address: str, known: bool
) -> Hint:
    """Give what the person is told of the risk of taking this journey with this phone.

    `address` is the phone's; the browser is `known` if this person approved from it before.
    Raises StoreAway.
    """
    client_id = journey.request.returns_to.client_id
    client = await desk.store.registration(client_id)
    if client is None:
        raise LookupError(f"The client {client_id} of a live journey is gone.")
    verdict = await desk.risk.weigh(
        Circumstances(
            way=way,
            browser_address=journey.address,
            phone_address=address,
            browser=journey.browser,
            browser_known=known,
            client_registered_at=client.created_at,
            client_verified=client.verified,
            phone_enrolled_at=phone.enrolled_at,
            now=desk.clock(),
        )
    )
    return Hint(verdict.level, verdict.reasons, verdict.place, verdict.distance_km)
