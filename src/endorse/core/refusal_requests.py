"""Every way Endorse says no to what a client asks for, before any person sees it."""

from endorse.core.refusal import Refusal


def _oauth(name: str, error: str, told: str, spec: str) -> Refusal:
    return Refusal(name, error, 400, told, spec)


SIGNED_RESPONSE_ONLY = _oauth(
    "signed_response_only",
    "invalid_request",
    "This client registered to get signed answers alone: response_mode must be jwt, query.jwt or "
    "form_post.jwt, or not be sent.",
    "JARM 3",
)
PROMPT_UNSUPPORTED = _oauth(
    "prompt_unsupported",
    "invalid_request",
    "prompt may hold login and consent, or none alone.",
    "OpenID Connect Core 3.1.2.1",
)
MAX_AGE_WRONG = _oauth(
    "max_age_wrong",
    "invalid_request",
    "max_age must be a whole number of seconds, 0 or more.",
    "OpenID Connect Core 3.1.2.1",
)
DPOP_JKT_WRONG = _oauth(
    "dpop_jkt_wrong",
    "invalid_request",
    "dpop_jkt must be the SHA-256 thumbprint of a key: 43 base64url characters.",
    "RFC 9449 10",
)
LOGIN_REQUIRED = _oauth(
    "login_required",
    "login_required",
    "Nobody is signed in in a browser here: the person always acts on the phone. Ask again without "
    "prompt=none.",
    "OpenID Connect Core 3.1.2.6",
)
PUSH_REQUIRED = _oauth(
    "push_required",
    "invalid_request",
    "This client must push its requests: POST them to /par, and send the request_uri here.",
    "RFC 9126 5",
)
SIGNED_REQUEST_REQUIRED = _oauth(
    "signed_request_required",
    "invalid_request",
    "This client must sign its requests: send them as request.",
    "RFC 9101 10.5",
)
REQUEST_URI_NOT_GOOD = _oauth(
    "request_uri_not_good",
    "invalid_request_uri",
    "The request_uri is unknown, too old, was answered already, or is another client's. Push the "
    "request again.",
    "RFC 9126 2.2",
)
REQUEST_URI_FOREIGN = _oauth(
    "request_uri_foreign",
    "request_uri_not_supported",
    "Only a request_uri that /par of this server answered is taken; no other address is fetched.",
    "RFC 9101 7, OpenID Connect Core 3.1.2.6",
)
REQUEST_URI_PUSHED = _oauth(
    "request_uri_pushed",
    "invalid_request",
    "A pushed request cannot hold request_uri.",
    "RFC 9126 2.1",
)
DETAILS_NOT_GOOD = _oauth(
    "authorization_details_not_good",
    "invalid_authorization_details",
    "authorization_details must be one object of a type that this client is registered for, with "
    "only the members and values that the guide describes.",
    "RFC 9396 5",
)
SCOPE_BESIDE_DETAILS = _oauth(
    "scope_beside_details",
    "invalid_scope",
    "authorization_details say what is asked: beside them scope may hold offline_access, openid "
    "and profile alone, and beside a payment nothing.",
    "RFC 9396 3.1",
)
REQUEST_OBJECT_NOT_GOOD = _oauth(
    "request_object_not_good",
    "invalid_request_object",
    "The signed request is not accepted: sign it with a registered key and algorithm; iss and "
    "client_id the client's id, aud this issuer, exp in the future, each jti once; no request or "
    "request_uri inside.",
    "RFC 9101 6",
)
