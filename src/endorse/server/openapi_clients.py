"""What third parties call, as an OpenAPI 3.1 document: OAuth's endpoints and the bank's API."""

from typing import Any, Final

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse import __version__
from endorse.server import wire
from endorse.server.desk import Desk

_TEXT: Final[dict[str, Any]] = {"type": "string"}
_NUMBER: Final[dict[str, Any]] = {"type": "integer"}
_TEXTS: Final[dict[str, Any]] = {"type": "array", "items": _TEXT}
_FORM: Final = "application/x-www-form-urlencoded"


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
    "request_uri"
)
_CLIENT: Final = "client_id client_secret client_assertion client_assertion_type"
_TOKEN: Final = "*grant_type code redirect_uri code_verifier refresh_token device_code scope"
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
)
"""Every call of `app.FOR_CLIENTS`, and the authorization endpoint."""


def _object(*required: str, **members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": members}


_SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "Anything": {"type": "object"},
    "Nothing": {"type": "object", "maxProperties": 0},
    "Pushed": _object("request_uri", "expires_in", request_uri=_TEXT, expires_in=_NUMBER),
    "Tokens": _object(
        "access_token",
        "token_type",
        "expires_in",
        access_token=_TEXT,
        token_type={"type": "string", "enum": ["Bearer", "DPoP"]},
        expires_in=_NUMBER,
        scope=_TEXT,
        refresh_token=_TEXT,
        id_token=_TEXT,
    ),
    "Device": _object(
        "device_code",
        "user_code",
        "verification_uri",
        "expires_in",
        device_code=_TEXT,
        user_code=_TEXT,
        verification_uri=_TEXT,
        verification_uri_complete=_TEXT,
        expires_in=_NUMBER,
        interval=_NUMBER,
    ),
    "Metadata": _object(
        "client_name",
        client_name=_TEXT,
        client_id=_TEXT,
        redirect_uris=_TEXTS,
        grant_types=_TEXTS,
        scope=_TEXT,
        token_endpoint_auth_method=_TEXT,
        jwks={"type": "object"},
        software_statement=_TEXT,
    ),
    "Registration": _object(
        "client_id",
        "registration_access_token",
        "registration_client_uri",
        client_id=_TEXT,
        client_id_issued_at=_NUMBER,
        client_secret=_TEXT,
        client_secret_expires_at=_NUMBER,
        registration_access_token=_TEXT,
        registration_client_uri={"type": "string", "format": "uri"},
        client_name=_TEXT,
        redirect_uris=_TEXTS,
    ),
    "Introspection": _object("active", active={"type": "boolean"}),
    "Person": _object("sub", sub=_TEXT, name=_TEXT),
    "Keys": _object("keys", keys={"type": "array", "items": {"type": "object"}}),
    "Accounts": _object("accounts", accounts={"type": "array", "items": {"type": "object"}}),
    "Refusal": _object(
        "error",
        "error_description",
        "error_uri",
        error=_TEXT,
        error_description=_TEXT,
        error_uri={"type": "string", "format": "uri"},
    ),
    "BankRefusal": _object(
        "tppMessages",
        "error_uri",
        tppMessages={"type": "array", "items": {"type": "object"}},
        error_uri={"type": "string", "format": "uri"},
    ),
}

_SECURITY: Final[dict[str, list[dict[str, list[str]]]]] = {
    "client": [{"basic": []}, {}],
    "token": [{"bearer": []}, {"dpop": []}],
    "registration": [{"bearer": []}],
    "anybody": [],
}


async def describe(desk: Desk, _: HttpRequest) -> Response:
    """Answer `GET /openapi.json`."""
    return wire.json(document(desk))


def document(desk: Desk) -> dict[str, Any]:
    """Write the document for this server."""
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Endorse for third parties",
            "version": __version__,
            "description": "OAuth 2.0 by its RFCs, and accounts in the Berlin Group's words. Every "
            "refusal has an `error_uri`. What a client may leave out depends on its profile.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": desk.issuer}],
        "paths": paths,
        "components": {
            "schemas": _SCHEMAS,
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "dpop": {"type": "http", "scheme": "DPoP"},
            },
        },
    }


def _operation(call: Call) -> dict[str, Any]:
    takes = call.takes.split() + (_CLIENT.split() if call.who == "client" else [])
    required = [name[1:] for name in takes if name.startswith("*")]
    names = list(dict.fromkeys(name.removeprefix("*") for name in takes))
    operation: dict[str, Any] = {
        "summary": call.summary,
        "operationId": f"{call.method}{call.path}".translate(str.maketrans("/-.", "___", "{}")),
        "security": _SECURITY[call.who],
        "responses": {str(call.status): _content("The answer", call.answers)}
        | {str(status): _no(status, call) for status in call.refusals},
    }
    in_path = [part.strip("{}") for part in call.path.split("/") if part.startswith("{")]
    parameters = [_parameter(name, "path", True) for name in in_path]
    if call.method == "get":
        parameters += [_parameter(name, "query", name in required) for name in names]
    elif names:
        form = dict.fromkeys(names, _TEXT)
        schema = {"type": "object", "required": required, "properties": form}
        operation["requestBody"] = {"required": True, "content": {_FORM: {"schema": schema}}}
    if call.sends:
        schema = {"$ref": f"#/components/schemas/{call.sends}"}
        content = {"application/json": {"schema": schema}}
        operation["requestBody"] = {"required": True, "content": content}
    if parameters:
        operation["parameters"] = parameters
    return operation


def _no(status: int, call: Call) -> dict[str, Any]:
    if status == 303:
        return {"description": "A refusal, at the redirect_uri", "headers": {"Location": _header()}}
    if call.answers == "Page":
        return _content("What differs, for a developer", "Page")
    banks = call.who == "token" and call.path.startswith("/v1/")
    return _content("A refusal", "BankRefusal" if banks else "Refusal")


def _header() -> dict[str, Any]:
    return {"schema": {"type": "string", "format": "uri"}}


def _parameter(name: str, where: str, required: bool) -> dict[str, Any]:
    return {"name": name, "in": where, "required": required, "schema": _TEXT}


def _content(description: str, kind: str) -> dict[str, Any]:
    if not kind:
        return {"description": description}
    if kind == "Page":
        return {"description": description, "content": {"text/html": {"schema": _TEXT}}}
    schema = {"$ref": f"#/components/schemas/{kind}"}
    media = "application/jwk-set+json" if kind == "Keys" else "application/json"
    return {"description": description, "content": {media: {"schema": schema}}}
