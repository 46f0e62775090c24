"""What this server says of itself to clients (RFC 8414)."""

from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.bank import PayingBank
from endorse.core import openid, signing
from endorse.core.alter import ACTIONS
from endorse.core.answer import MODES
from endorse.core.details import TYPES
from endorse.core.jose import PLAIN_SIGNATURES, SIGNATURES
from endorse.core.metadata import AUTH_METHODS, MTLS_METHODS
from endorse.core.policy import ASKABLE, OWN_SCOPES
from endorse.core.signing import ALGORITHMS
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.language import LANGUAGES
from endorse.server.oauth.token import EXCHANGES


async def describe(desk: Desk, _: HttpRequest) -> Response:
    """Answer `GET /.well-known/oauth-authorization-server`, and `/openid-configuration` alike.

    RFC 8414 3 and 5; OpenID Connect Discovery 4: clients look at either.

    See also RFC 8414 3.2, 6.2.
    """
    said = metadata(desk)
    if desk.settings.mtls_host:
        said["mtls_endpoint_aliases"] = _aliases(said, desk.issuer, desk.settings.mtls_url)
    return wire.json(said)


def metadata(desk: Desk) -> dict[str, Any]:
    """Describe this server (RFC 8414 2).

    See also RFC 8705 3.3; RFC 9207 2.3; RFC 9449 5.1.
    """
    issuer = desk.issuer
    # Certificates count on their own host alone; without one nobody can use these methods.
    auth = [it for it in AUTH_METHODS if desk.settings.mtls_host or it not in MTLS_METHODS]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/auth",
        "pushed_authorization_request_endpoint": f"{issuer}/par",
        "require_pushed_authorization_requests": False,
        "token_endpoint": f"{issuer}/token",
        "device_authorization_endpoint": f"{issuer}/device_authorization",
        "backchannel_authentication_endpoint": f"{issuer}/bc-authorize",
        "backchannel_token_delivery_modes_supported": ["poll", "ping"],
        "backchannel_authentication_request_signing_alg_values_supported": list(PLAIN_SIGNATURES),
        "backchannel_user_code_parameter_supported": False,
        "revocation_endpoint": f"{issuer}/revoke",
        "introspection_endpoint": f"{issuer}/introspect",
        "introspection_endpoint_auth_methods_supported": [it for it in auth if it != "none"],
        "introspection_endpoint_auth_signing_alg_values_supported": list(PLAIN_SIGNATURES),
        "introspection_signing_alg_values_supported": list(ALGORITHMS),
        "registration_endpoint": f"{issuer}/register",
        "grant_management_endpoint": f"{issuer}/grants",
        "grant_management_actions_supported": ["query", "revoke", *ACTIONS],
        "grant_management_action_required": False,
        "jwks_uri": f"{issuer}/jwks",
        "userinfo_endpoint": f"{issuer}/userinfo",
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": list(ALGORITHMS),
        "acr_values_supported": [openid.ACR],
        "claims_supported": list(openid.CLAIMS),
        "claims_parameter_supported": False,
        "response_types_supported": ["code"],
        "response_modes_supported": list(MODES),
        "grant_types_supported": list(EXCHANGES),
        "scopes_supported": [*ASKABLE, *OWN_SCOPES],
        "ui_locales_supported": list(LANGUAGES),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": auth,
        "token_endpoint_auth_signing_alg_values_supported": list(PLAIN_SIGNATURES),
        "revocation_endpoint_auth_methods_supported": auth,
        "revocation_endpoint_auth_signing_alg_values_supported": list(PLAIN_SIGNATURES),
        "prompt_values_supported": ["none", "login", "consent"],
        "authorization_details_types_supported": [
            it for it in TYPES if it != "payment_initiation" or isinstance(desk.bank, PayingBank)
        ],
        "request_parameter_supported": True,
        "request_uri_parameter_supported": False,
        "require_signed_request_object": False,
        "request_object_signing_alg_values_supported": list(PLAIN_SIGNATURES),
        "dpop_signing_alg_values_supported": list(SIGNATURES),
        "tls_client_certificate_bound_access_tokens": bool(desk.settings.mtls_host),
        "authorization_response_iss_parameter_supported": True,
        "authorization_signing_alg_values_supported": list(signing.ALGORITHMS),
    }


def _aliases(said: dict[str, Any], issuer: str, mtls: str) -> dict[str, str]:
    """Name what clients call themselves, at the host for certificates (RFC 8705 5)."""
    return {
        name: mtls + url.removeprefix(issuer)
        for name, url in said.items()
        if name.endswith("_endpoint") and name != "authorization_endpoint"
    }
