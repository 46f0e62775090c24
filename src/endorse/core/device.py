"""The device grant: a device without a browser shows letters, which a person types on our page.

What the person then does is an approval like any other, in the browser that they typed in: that one
has its own B, the moving code and the number. Only the answer takes another way (`polling`).
"""

from typing import Final

import msgspec

from endorse.core import asked, refusal_polling
from endorse.core.change import BeginPoll, Decision
from endorse.core.coding import Fresh, Secret, b64url, fingerprint, mac, new_flow
from endorse.core.metadata import DEVICE
from endorse.core.model import Client, Journey, Poll, Request, Trusted
from endorse.core.params import Params
from endorse.core.policy import Terms
from endorse.core.refusal import Refusal
from endorse.core.ways import spelled

GRANT_TYPE: Final = DEVICE
_DEVICE_CODE_PREFIX: Final = "ed_"


class Offered(msgspec.Struct, frozen=True):
    """What the device is told (RFC 8628 3.2)."""

    device_code: Secret
    user_code: str
    """With a dash in the middle, as people read it."""
    expires_in: int
    interval: int


def begin(
    params: Params, client: Client, terms: Terms, now: int, fresh: Fresh
) -> Decision[Offered]:
    """Offer a device its two codes (RFC 8628 3.1, 3.2). Nothing reaches a phone by this."""
    if GRANT_TYPE not in client.metadata.grant_types:
        return Decision(refusal_polling.CLIENT_NOT_FOR_THIS.because("no device grant"))
    scope = asked.scope(params, client)
    if isinstance(scope, Refusal):
        return Decision(scope)
    law = terms.law
    device_code = _DEVICE_CODE_PREFIX + b64url(fresh(32))
    letters = spelled(fresh(16))
    poll = Poll(
        poll_hash=fingerprint(device_code),
        kind="device",
        client_id=client.client_id,
        # No redirect leads back, so there is no address and no state.
        request=Request(Trusted(client.client_id, ""), scope, None, None, flow=new_flow(fresh)),
        user_code_hash=user_code_hash(terms.server_key, letters),
        created_at=now,
        expires_at=now + law.device,
        every=law.poll_every,
    )
    offered = Offered(
        Secret(device_code), f"{letters[:4]}-{letters[4:]}", law.device, law.poll_every
    )
    return Decision(offered, (BeginPoll(poll),))


def user_code_hash(server_key: bytes, letters: str) -> str:
    """Give what is stored of a user code: keyed, and of another kind than a short code's."""
    return b64url(mac(server_key, b"user-code", letters.encode()))


def startable(poll: Poll | None, taken: bool, now: int) -> Poll | Refusal:
    """Give the poll whose letters were typed, if a person may begin with it; one answer for all.

    `taken`: somebody began with it before.
    """
    if poll is None or taken or now >= poll.expires_at:
        return refusal_polling.USER_CODE_NOT_GOOD
    return poll


def waits(journey: Journey) -> bool:
    """Say whether a device waits for this: its client polls, and asked no phone by itself."""
    return journey.poll_hash is not None and journey.way != "asked"
