"""Tokens that a client gets for itself, which concern no person (RFC 6749 4.4)."""

from typing import Final

from endorse.core.change import Decision, MakeToken
from endorse.core.coding import Fresh, Secret, b64url, fingerprint
from endorse.core.model import AccessToken, Client
from endorse.core.params import Params
from endorse.core.policy import OWN_SCOPES, Policy
from endorse.core.redeem import ACCESS, Tokens
from endorse.core.refusal import Refusal
from endorse.core.refusal_polling import CLIENT_NOT_FOR_THIS

SCOPE_UNKNOWN: Final = Refusal(
    "own_scope_unknown",
    "invalid_scope",
    400,
    "For itself a client may ask for: directory, grant_management_query, grant_management_revoke. "
    "Everything else a person must approve.",
    "RFC 6749 4.4.2",
)


def give(params: Params, client: Client, now: int, fresh: Fresh, law: Policy) -> Decision[Tokens]:
    """Give a client an access token of its own; no refresh token goes with it (RFC 6749 4.4.3).

    No scope of these can be asked of a person, so that nothing of a person can ever be behind such
    a token. A public client is refused: nobody knows who it is.
    """
    if client.public:
        return Decision(CLIENT_NOT_FOR_THIS.because("a public client"))
    asked = tuple(params.text("scope").split()) or OWN_SCOPES[:1]
    if not set(asked) <= set(OWN_SCOPES):
        return Decision(SCOPE_UNKNOWN)
    scope = tuple(name for name in OWN_SCOPES if name in asked)
    text = ACCESS + b64url(fresh(32))
    ends = now + law.access_token
    token = AccessToken(fingerprint(text), "", scope, now, ends, client.client_id)
    return Decision(Tokens(Secret(text), ends - now, scope, None, token), (MakeToken(token),))
