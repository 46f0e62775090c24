"""The phone's API as an OpenAPI 3.1 document, from the shapes that the routes decode and encode."""

from typing import Any, Final

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse import __version__
from endorse.core.evidence import Bundle
from endorse.server import connections_shapes as c
from endorse.server import phones_shapes as p
from endorse.server import shapes as s
from endorse.server import wire
from endorse.server.desk import Desk


class Call(msgspec.Struct, frozen=True):
    """One call of the API."""

    method: str
    path: str
    summary: str
    takes: Any
    answers: Any
    status: int = 200
    proof: bool = True
    session: bool = True
    refusals: tuple[int, ...] = ()


_CALLS: Final = (
    Call(
        "post",
        "/phone/enrol/options",
        "Begin to enrol: whose account it is, and how to make the passkey",
        s.EnrolmentCode,
        s.EnrolOptions,
        session=False,
        refusals=(404, 409),
    ),
    Call(
        "post",
        "/phone/enrol",
        "Enrol this phone with its device key and a new passkey",
        s.NewPhone,
        s.SignedIn,
        201,
        session=False,
        refusals=(403, 404, 409),
    ),
    Call(
        "post",
        "/phone/sign-in/options",
        "Begin to sign in with the phone's passkey",
        s.PhoneId,
        s.SignInOptions,
        session=False,
        refusals=(404,),
    ),
    Call(
        "post",
        "/phone/sign-in",
        "Sign in",
        s.SignIn,
        s.SignedIn,
        session=False,
        refusals=(403, 404),
    ),
    Call(
        "post",
        "/phone/claim",
        "Claim the code that was scanned, the link, or the letters",
        s.Claim,
        s.Claimed,
        200,
        refusals=(403, 404, 409, 429),
    ),
    Call(
        "get",
        "/phone/journeys",
        "List what this phone holds undecided, and what a client asks its person",
        None,
        s.Journeys,
    ),
    Call(
        "post",
        "/phone/take",
        "Take what a client asks this person by itself",
        s.JourneyId,
        s.Claimed,
        refusals=(404, 409),
    ),
    Call(
        "post",
        "/phone/match",
        "Say the number on the page, and see what is asked",
        s.Match,
        s.Matched,
        refusals=(404, 409),
    ),
    Call(
        "post",
        "/phone/review",
        "Freeze the consent document",
        s.Choice,
        s.Reviewed,
        refusals=(404, 409),
    ),
    Call(
        "post",
        "/phone/edit",
        "Go back to the choice of accounts",
        s.JourneyId,
        s.Matched,
        refusals=(404, 409),
    ),
    Call(
        "post",
        "/phone/approve",
        "Approve with the passkey",
        s.Approval,
        s.Moved,
        refusals=(403, 404, 409, 429),
    ),
    Call(
        "post",
        "/phone/disown",
        "Say that the person did not start this",
        s.JourneyId,
        s.Moved,
        refusals=(404, 409),
    ),
    Call("post", "/phone/refuse", "Say no", s.JourneyId, s.Moved, refusals=(404, 409)),
    Call(
        "post",
        "/phone/watch",
        "Wait for the next state, at most 20 s",
        s.Watch,
        s.Moved,
        refusals=(404,),
    ),
    Call("get", "/phone/connections", "List who has access", None, c.Connections),
    Call(
        "delete",
        "/phone/connections/{grant_id}",
        "End a connection at once",
        None,
        c.Ended,
        refusals=(404,),
    ),
    Call(
        "post",
        "/phone/connections/{grant_id}/narrow",
        "Take accounts away from a connection, at once; the call's own proof is the signature",
        c.AccountsThatStay,
        c.Connection,
        refusals=(403, 404, 409),
    ),
    Call(
        "post",
        "/phone/connections/{grant_id}/renew",
        "Get the consent document that renews a connection",
        None,
        c.Renewal,
        refusals=(404, 409),
    ),
    Call(
        "post",
        "/phone/connections/{grant_id}/renew/approve",
        "Renew a connection with the passkey",
        c.RenewalApproval,
        c.Connection,
        refusals=(403, 404, 409),
    ),
    Call(
        "get",
        "/phone/connections/{grant_id}/evidence",
        "Download everything that was signed for a connection, in canonical JSON",
        None,
        Bundle,
        refusals=(404,),
    ),
    Call("get", "/phone/notices", "Read what happened to connections and phones", None, c.Notices),
    Call("post", "/phone/notices/read", "Mark notices as shown", c.NoticeIds, c.NoticeIds),
    Call("get", "/phone/phones", "List the person's phones", None, p.Phones),
    Call(
        "post",
        "/phone/phones/{phone_id}/confirm",
        "Confirm a new phone by its six digits; three wrong tries revoke it",
        p.TypedDigits,
        p.Confirmed,
        refusals=(404,),
    ),
    Call(
        "delete",
        "/phone/phones/{phone_id}",
        "Revoke another phone of the person, or this one, at once",
        None,
        p.Revoked,
        refusals=(404,),
    ),
)

_SANDBOX: Final = (
    Call(
        "get",
        "/phone/sandbox/people",
        "List the invented people",
        None,
        s.InventedPeople,
        proof=False,
        session=False,
    ),
    Call(
        "post",
        "/phone/sandbox/enrolments",
        "Get an enrolment code for an invented person",
        s.WhoToBe,
        s.Issued,
        201,
        proof=False,
        session=False,
        refusals=(404, 429),
    ),
)

_ABOUT: Final = """The API between the bank's app and the bank.

Every call but the sandbox's carries a `DPoP` header: a JWS (ES256) in the shape of RFC 9449 4.2 by
the phone's device key, with `htm`, `htu`, `iat` (within 60 s), `jti`, and `bsh`, the base64url of
the body's SHA-256 (of the empty string if there is no body). Calls of a signed-in phone also carry
`Authorization: DPoP <session>`, and `ath` in the proof, the base64url of the session's SHA-256.

A phone that was just enrolled shows six digits: the first eight bytes of
`SHA-256("endorse-digits-v1" || 0x00 || thumbprint || 0x00 || code hash)` as a big-endian number,
modulo 1,000,000, written with leading zeros. The thumbprint is the device key's (RFC 7638), the
code hash is the SHA-256 of the enrolment code, both as base64url text. The bank's desk confirms
them, or another phone of the person with `/phone/phones/{phone_id}/confirm`. Until then the phone
may sign in, and every call with its session answers 403 `phone_pending`: repeat `GET /phone/phones`
to learn when that is over. A phone that lapsed or was revoked is answered 401, and 404 at its next
sign-in.

The passkey approves over `SHA-256("endorse-consent-v1" || 0x00 || document)`, where `document` is
the text that `/phone/review` answered, byte for byte.

A renewal is approved alike, over the text that `/phone/connections/{grant_id}/renew` answered. It
names the connection as `renews`, which no first document has, and must give what the connection
gives, with a later `valid_until`. A narrowing needs no passkey: the proof of the call itself is the
signature, by the phone that approved last."""


async def describe(desk: Desk, _: HttpRequest) -> Response:
    """Answer `GET /phone/openapi.json`."""
    return wire.json(document(desk))


def document(desk: Desk) -> dict[str, Any]:
    """Write the document for this server; the sandbox's own calls are in it only there."""
    calls = _CALLS + (_SANDBOX if desk.settings.sandbox else ())
    kinds = [kind for call in calls for kind in (call.takes, call.answers) if kind is not None]
    _, components = s.schema_of([*kinds, s.Problem])
    paths: dict[str, dict[str, Any]] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Endorse phone API",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": desk.issuer}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "proof": {"type": "apiKey", "in": "header", "name": "DPoP"},
                "session": {"type": "http", "scheme": "DPoP"},
            },
        },
    }


def _operation(call: Call) -> dict[str, Any]:
    security: dict[str, list[str]] = {}
    if call.proof:
        security["proof"] = []
    if call.session:
        security["session"] = []
    statuses = {400, 413, *call.refusals, *((401,) if call.proof else ())}
    if call.session:
        statuses.add(403)
    if call.takes is not None:
        statuses.add(415)
    answers = {str(call.status): _content("The answer", call.answers)}
    answers |= {str(status): _content("A refusal", s.Problem) for status in sorted(statuses)}
    operation: dict[str, Any] = {
        "summary": call.summary,
        "operationId": f"{call.method}{call.path.replace('/', '_').replace('-', '_')}".translate(
            str.maketrans("", "", "{}")
        ),
        "security": [security] if security else [],
        "responses": answers,
    }
    if call.takes is not None:
        operation["requestBody"] = {
            "required": True,
            "content": _content("", call.takes)["content"],
        }
    names = [part.strip("{}") for part in call.path.split("/") if part.startswith("{")]
    if names:
        operation["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    return operation


def _content(description: str, kind: Any) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"description": description, "content": {"application/json": {"schema": schema}}}
