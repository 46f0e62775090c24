"""The calls of third parties that the OpenAPI document describes."""

from typing import Final

import msgspec


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call. `takes` are its parameters: those with a `*` are required."""

    method: str
    path: str
    summary: str
    takes: str = ""
    sends: str = ""
    """The schema of a body in JSON."""
    answers: str = "Anything"
    status: int = 200
    who: str = "client"
    """Who may call: a `client` that authenticates, whoever has a `token` of a person or one for
    `registration`, or `anybody`."""
    refusals: tuple[int, ...] = (400, 401)


_REQUEST: Final = (
    "*client_id response_type redirect_uri scope state response_mode code_challenge "
    "code_challenge_method nonce prompt max_age ui_locales authorization_details dpop_jkt request "
    "request_uri grant_management_action grant_id"
)
_TOKEN: Final = "*grant_type code redirect_uri code_verifier refresh_token device_code scope"
_ASKED: Final = (
    "scope login_hint_token login_hint id_token_hint binding_message requested_expiry acr_values "
    "client_notification_token user_code request"
)
_LISTED: Final = "dateFrom dateTo bookingStatus limit after"

CALLS: Final = (
    Call(
        method="get",
        path="/auth",
        summary="Ask a person for access; the browser is sent here (RFC 6749 4.1.1)",
        takes=_REQUEST,
        answers="Page",
        who="anybody",
        refusals=(303, 400),
    ),
    Call(
        method="post",
        path="/auth",
        summary="The same, by a form",
        takes=_REQUEST,
        answers="Page",
        who="anybody",
        refusals=(303, 400),
    ),
    Call(
        method="post",
        path="/par",
        summary="Push a request before the browser is sent (RFC 9126 2.1)",
        takes=_REQUEST,
        answers="Pushed",
        status=201,
        refusals=(400, 401, 429),
    ),
    Call(
        method="post",
        path="/token",
        summary="Give a code, a refresh token or a device code for tokens (RFC 6749 4.1.3, 4.4, 6)",
        takes=_TOKEN,
        answers="Tokens",
    ),
    Call(
        method="post",
        path="/v1/token",
        summary="The same, at an address that some clients know",
        takes=_TOKEN,
        answers="Tokens",
    ),
    Call(
        method="post",
        path="/device_authorization",
        summary="Begin on a device that has no browser (RFC 8628 3.1)",
        takes="scope",
        answers="Device",
    ),
    Call(
        method="post",
        path="/revoke",
        summary="Hand a token back (RFC 7009 2.1)",
        takes="*token token_type_hint",
        answers="Nothing",
    ),
    Call(
        method="post",
        path="/bc-authorize",
        summary="Ask a person on their phone, without a browser (CIBA Core 7.1)",
        takes=_ASKED,
        answers="Asked",
        refusals=(400, 401, 403),
    ),
    Call(
        method="post",
        path="/introspect",
        summary="Ask what a token is (RFC 7662 2.1)",
        takes="*token token_type_hint",
        answers="Introspection",
    ),
    Call(
        method="post",
        path="/register",
        summary="Register a client (RFC 7591 3.1)",
        sends="Metadata",
        answers="Registration",
        status=201,
        who="registration",
        refusals=(400, 401, 415, 429),
    ),
    Call(
        method="get",
        path="/register/{client_id}",
        summary="Read one's own registration (RFC 7592 2.1)",
        answers="Registration",
        who="registration",
        refusals=(401,),
    ),
    Call(
        method="put",
        path="/register/{client_id}",
        summary="Replace one's own registration (RFC 7592 2.2)",
        sends="Metadata",
        answers="Registration",
        who="registration",
        refusals=(400, 401, 415),
    ),
    Call(
        method="delete",
        path="/register/{client_id}",
        summary="End oneself, with all that people granted (RFC 7592 2.3)",
        answers="",
        status=204,
        who="registration",
        refusals=(401,),
    ),
    Call(
        method="get",
        path="/grants/{grant_id}",
        summary="Look at a connection, with a token of the client's own (Grant Management 6.4)",
        who="token",
        refusals=(401, 403, 404),
    ),
    Call(
        method="delete",
        path="/grants/{grant_id}",
        summary="End a connection, with a token of the client's own (Grant Management 6.5)",
        answers="",
        status=204,
        who="token",
        refusals=(401, 403, 404),
    ),
    Call(
        method="get",
        path="/.well-known/oauth-authorization-server",
        summary="What this server says of itself (RFC 8414 3)",
        who="anybody",
        refusals=(),
    ),
    Call(
        method="get",
        path="/jwks",
        summary="The public keys of this server (RFC 7517 5)",
        answers="Keys",
        who="anybody",
        refusals=(),
    ),
    Call(
        method="get",
        path="/.well-known/openid-configuration",
        summary="The same, where clients of OpenID Connect look",
        who="anybody",
        refusals=(),
    ),
    Call(
        method="get",
        path="/userinfo",
        summary="Read who the person is (OpenID Connect Core 5.3)",
        answers="Person",
        who="token",
        refusals=(401, 403),
    ),
    Call(
        method="post",
        path="/userinfo",
        summary="The same, by POST",
        answers="Person",
        who="token",
        refusals=(401, 403),
    ),
    Call(
        method="get",
        path="/v1/directory",
        summary="Read what this bank is and offers, with a token of the client's own",
        who="token",
        refusals=(401, 403),
    ),
    Call(
        method="get",
        path="/v1/accounts",
        summary="List the accounts that the person chose",
        answers="Accounts",
        who="token",
        refusals=(401, 403),
    ),
    Call(
        method="get",
        path="/v1/accounts/{account_id}",
        summary="Read one of them",
        who="token",
        refusals=(401, 403, 404),
    ),
    Call(
        method="get",
        path="/v1/accounts/{account_id}/balances",
        summary="Read its balances",
        who="token",
        refusals=(401, 403, 404),
    ),
    Call(
        method="get",
        path="/v1/accounts/{account_id}/transactions",
        summary="Read its transactions, a page at a time",
        takes=_LISTED,
        who="token",
        refusals=(400, 401, 403, 404),
    ),
    Call(
        method="post",
        path="/v1/payments/sepa-credit-transfers",
        summary="Make the payment that the person approved",
        sends="Payment",
        answers="PaymentMade",
        status=201,
        who="token",
        refusals=(400, 401, 403),
    ),
    Call(
        method="get",
        path="/v1/payments/sepa-credit-transfers/{payment_id}",
        summary="Read that payment",
        who="token",
        refusals=(401, 403, 404),
    ),
    Call(
        method="get",
        path="/v1/payments/sepa-credit-transfers/{payment_id}/status",
        summary="Read where it stands",
        answers="PaymentStatus",
        who="token",
        refusals=(401, 403, 404),
    ),
)
"""Every call of `app.FOR_CLIENTS`, and the authorization endpoint."""
