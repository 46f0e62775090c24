"""What a registration must hold, whoever makes it: the operator's command or a client itself."""

from typing import Final
from urllib.parse import urlsplit

from endorse.core import certificate, jose
from endorse.core import client as clients
from endorse.core import profile as profiles
from endorse.core.details import TYPES
from endorse.core.metadata import (
    AUTH_METHODS,
    CIBA,
    CLIENT_CREDENTIALS,
    CODE,
    GRANT_TYPES,
    PROFILES,
    REFRESH,
    Metadata,
)
from endorse.core.model import Client
from endorse.core.refusal import Refusal
from endorse.core.signing import ALGORITHMS as OUR_ALGORITHMS

_URIS_AT_MOST: Final = 20
_TEXT_AT_MOST: Final = 255
_TOKEN_FORMATS: Final = ("opaque", "at+jwt")
_DELIVERY: Final = ("", "poll", "ping")
_SIGNED_FOR_CLIENT: Final = (
    "authorization_signed_response_alg",
    "introspection_signed_response_alg",
    "id_token_signed_response_alg",
)
_SIGNED_BY_CLIENT: Final = (
    "token_endpoint_auth_signing_alg",
    "request_object_signing_alg",
    "backchannel_authentication_request_signing_alg",
)


def bad_redirect_uri(told: str) -> Refusal:
    """Refuse a registration for one of its redirect URIs (RFC 7591 3.2.2)."""
    return Refusal(
        "redirect_uri_not_registrable", "invalid_redirect_uri", 400, told, "RFC 7591 3.2.2"
    )


def bad_metadata(told: str) -> Refusal:
    """Refuse a registration for anything else that it says (RFC 7591 3.2.2)."""
    return Refusal(
        "client_metadata_not_good", "invalid_client_metadata", 400, told, "RFC 7591 3.2.2"
    )


def problem(client: Client) -> Refusal | None:
    """Find the first thing that keeps a client from being registered; None if it may be."""
    if client.profile not in PROFILES:
        return bad_metadata(f"The profile must be one of {', '.join(PROFILES)}.")
    return (
        _names(client)
        or _grants(client)
        or _redirects(client)
        or _authentication(client)
        or _algorithms(client)
        or _keys(client)
        or _decoupled(client.metadata)
        or _texts(client.metadata)
    )


def _names(client: Client) -> Refusal | None:
    for name in (client.name, client.legal_name):
        wrong = clients.name_problem(name)
        if wrong:
            return bad_metadata(f"The name {_quoted(name)} {wrong}.")
    return None


def _grants(client: Client) -> Refusal | None:
    """Check what it may ask for: grant_types (RFC 7591 2.1), and details (RFC 9396 10)."""
    types = client.metadata.grant_types
    unknown = [name for name in types if name not in GRANT_TYPES]
    if unknown or not types:
        return bad_metadata(f"grant_types may hold: {', '.join(GRANT_TYPES)}.")
    if set(types) <= {REFRESH}:
        return bad_metadata("grant_types needs one that gives a first token, not refresh alone.")
    alone = [name for name in (CLIENT_CREDENTIALS, CIBA) if name in types]
    if set(client.metadata.authorization_details_types) - set(TYPES):
        return bad_metadata(f"authorization_details_types may hold: {', '.join(TYPES)}.")
    if client.public and alone:
        return bad_metadata(f"A public client cannot use {alone[0]}: it cannot authenticate.")
    return None


def _redirects(client: Client) -> Refusal | None:
    """Check redirect_uris, which the code flow needs (RFC 7591 2; FAPI 2.0 5.3.2.2)."""
    uris = client.redirect_uris
    if CODE in client.metadata.grant_types and not uris:
        return bad_redirect_uri("A client of authorization_code needs at least one redirect URI.")
    if len(uris) > _URIS_AT_MOST:
        return bad_redirect_uri(f"A client has at most {_URIS_AT_MOST} redirect URIs.")
    for uri in uris:
        wrong = clients.redirect_uri_problem(uri)
        if not wrong and profiles.of(client).no_private_schemes:
            private = urlsplit(uri).scheme not in ("https", "http")
            wrong = f"must be https in the profile {client.profile}" if private else ""
        if wrong:
            return bad_redirect_uri(f"The redirect URI {_quoted(uri)} {wrong}.")
    return None


def _authentication(client: Client) -> Refusal | None:
    """Check how it authenticates against its profile (RFC 7591 2, RFC 8705 2; FAPI 2.0 5.3.2.1)."""
    metadata = client.metadata
    method = metadata.token_endpoint_auth_method
    allowed = profiles.of(client).auth_methods
    if method not in AUTH_METHODS:
        return bad_metadata(f"token_endpoint_auth_method must be one of {', '.join(allowed)}.")
    if client.public != (method == "none"):
        return bad_metadata("A public client, and no other, has token_endpoint_auth_method none.")
    if method not in allowed:
        told = f"{method} is not allowed in the profile {client.profile}. Use {', '.join(allowed)}."
        return bad_metadata(told)
    if method == "tls_client_auth":
        wrong = certificate.names_problem(metadata)
        return bad_metadata(f"{wrong}.") if wrong else None
    if certificate.names_of(metadata):
        return bad_metadata(f"{certificate.names_of(metadata)[0][0]} is for tls_client_auth alone.")
    return None


def _keys(client: Client) -> Refusal | None:
    """Check jwks, and that it is there where something is verified by it (RFC 7591 2)."""
    metadata = client.metadata
    try:
        keys = jose.keys_of(metadata.jwks)
    except ValueError as broken:
        return bad_metadata(f"jwks {str(broken).rstrip('.')}.")
    needed = [
        *(name for name in _SIGNED_BY_CLIENT if getattr(metadata, name)),
        *(["require_signed_request_object"] if metadata.require_signed_request_object else []),
    ]
    if CIBA in metadata.grant_types and profiles.signed_backchannel(client):
        needed.append(f"{CIBA} in the profile {client.profile}")
    if metadata.token_endpoint_auth_method in ("private_key_jwt", "self_signed_tls_client_auth"):
        needed.append(metadata.token_endpoint_auth_method)
    if needed and not keys:
        return bad_metadata(f"jwks must hold a public key for signatures: {needed[0]} needs one.")
    return None


def _algorithms(client: Client) -> Refusal | None:
    """Check each algorithm against the profile, and ours against what this server signs with."""
    allowed = profiles.of(client).signatures
    ours = [alg for alg in OUR_ALGORITHMS if alg in allowed]
    for names, possible in ((_SIGNED_BY_CLIENT, allowed), (_SIGNED_FOR_CLIENT, ours)):
        for name in names:
            said = getattr(client.metadata, name)
            if said and said not in possible:
                return bad_metadata(f"{name} must be one of {', '.join(possible)}.")
    if client.metadata.access_token_format not in _TOKEN_FORMATS:
        return bad_metadata(f"access_token_format must be one of {', '.join(_TOKEN_FORMATS)}.")
    return None


def _decoupled(metadata: Metadata) -> Refusal | None:
    """Check what CIBA needs (OpenID Connect CIBA Core 4)."""
    mode, where = (
        metadata.backchannel_token_delivery_mode,
        metadata.backchannel_client_notification_endpoint,
    )
    if mode not in _DELIVERY:
        return bad_metadata("backchannel_token_delivery_mode must be poll or ping.")
    if (mode != "") != (CIBA in metadata.grant_types):
        return bad_metadata(f"backchannel_token_delivery_mode and {CIBA} go together.")
    if (mode == "ping") != (where != ""):
        return bad_metadata("backchannel_client_notification_endpoint is for ping, and needed so.")
    if where and not _is_https(where):
        return bad_metadata("backchannel_client_notification_endpoint must be an https address.")
    return None


def _texts(metadata: Metadata) -> Refusal | None:
    """Check what only people read."""
    if metadata.client_uri and not _is_https(metadata.client_uri):
        return bad_metadata("client_uri must be an https address.")
    for text in (metadata.software_id, metadata.software_version, *metadata.contacts):
        if not 0 <= len(text) <= _TEXT_AT_MOST or not text.isprintable():
            return bad_metadata(f"A text must be printable, of at most {_TEXT_AT_MOST} characters.")
    if len(metadata.contacts) > _URIS_AT_MOST:
        return bad_metadata(f"contacts may hold at most {_URIS_AT_MOST}.")
    return None


def _is_https(uri: str) -> bool:
    return (
        len(uri) <= 2 * _TEXT_AT_MOST
        and uri.startswith("https://")
        and not clients.redirect_uri_problem(uri)
    )


def _quoted(text: str) -> str:
    """Show a text of somebody else on one line of visible characters."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in text[:80])
