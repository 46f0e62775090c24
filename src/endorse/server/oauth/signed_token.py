"""What the server signs for a client: access tokens that an API can check, and ID tokens."""

from typing import Any

from endorse.core import binding, details, openid, signing
from endorse.core.metadata import SIGNED
from endorse.core.model import Client
from endorse.core.redeem import Tokens
from endorse.server.desk import Desk
from endorse.server.oauth.token_hash import ALG, TYP


async def access_token(desk: Desk, client: Client, tokens: Tokens) -> str:
    """Write an access token as its client gets it: opaque, or signed where it registered so.

    The opaque text of a signed one is thrown away: what is stored is found by `jti`, its hash.
    """
    token = tokens.token
    if client.metadata.access_token_format != SIGNED or token is None:
        return tokens.access_token.reveal()
    claims: dict[str, Any] = {
        "iss": desk.issuer,
        "sub": openid.subject_of(desk.keys.handles, client.client_id, tokens.person_id),
        "aud": desk.issuer,
        "exp": token.expires_at,
        "iat": token.created_at,
        "jti": token.token_hash,
        "client_id": client.client_id,
        "scope": " ".join(token.scope),
    }
    if tokens.authorization_details:
        claims["authorization_details"] = details.plain(tokens.authorization_details)
    cnf = binding.confirmation(token.bound_to)
    return await desk.keyring.sign({**claims, **({"cnf": cnf} if cnf else {})}, typ=TYP, alg=ALG)


async def id_token(desk: Desk, client: Client, tokens: Tokens, access_token: str) -> str:
    """Say who approved, and when (OpenID Connect Core 2), to the client that asked for `openid`."""
    registered = client.metadata.id_token_signed_response_alg
    alg = registered if registered in signing.ALGORITHMS else signing.usual(client)
    said = openid.claims(tokens, access_token, client, desk.terms, desk.clock())
    return await desk.keyring.sign(said, typ="JWT", alg=alg)
