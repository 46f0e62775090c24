"""What third parties call, as an OpenAPI 3.1 document: OAuth's endpoints and the bank's API."""

from typing import Any, Final

from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse import __version__
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.openapi_calls import CALLS, Call

_TEXT: Final[dict[str, Any]] = {"type": "string"}
_NUMBER: Final[dict[str, Any]] = {"type": "integer"}
_TEXTS: Final[dict[str, Any]] = {"type": "array", "items": _TEXT}
_FORM: Final = "application/x-www-form-urlencoded"
_CLIENT: Final = "client_id client_secret client_assertion client_assertion_type"


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
        authorization_details={"type": "array", "items": {"type": "object"}},
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
    "Asked": _object(
        "auth_req_id", "expires_in", auth_req_id=_TEXT, expires_in=_NUMBER, interval=_NUMBER
    ),
    "Introspection": _object("active", active={"type": "boolean"}),
    "Person": _object("sub", sub=_TEXT, name=_TEXT),
    "Keys": _object("keys", keys={"type": "array", "items": {"type": "object"}}),
    "Accounts": _object("accounts", accounts={"type": "array", "items": {"type": "object"}}),
    "Payment": _object(
        *("instructedAmount", "creditorName", "creditorAccount"),
        instructedAmount=_object("currency", "amount", currency=_TEXT, amount=_TEXT),
        creditorName=_TEXT,
        creditorAccount=_object("iban", iban=_TEXT),
        remittanceInformationUnstructured=_TEXT,
        debtorAccount=_object("iban", iban=_TEXT),
    ),
    "PaymentMade": _object(
        "transactionStatus", "paymentId", transactionStatus=_TEXT, paymentId=_TEXT
    ),
    "PaymentStatus": _object("transactionStatus", transactionStatus=_TEXT),
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
