"""A pushed request is checked when it is pushed, kept for its client, and answered once."""

from __future__ import annotations

import msgspec
import pytest

from endorse.core import authorize, pushed, refusal, refusal_requests
from endorse.core.answer import Reply
from endorse.core.change import Decision, KeepRequest, Move, UseOnce
from endorse.core.coding import fingerprint
from endorse.core.journey import State
from endorse.core.metadata import FAPI2, Metadata
from endorse.core.model import Client, PushedRequest, Request
from endorse.core.params import Params
from endorse.core.request_object import Inside
from tests.core import scene
from tests.core.scene import CALLBACK, CLIENT, ISSUER, KEY, LAW, NOW, TERMS

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
GOOD = {"response_type": "code", "redirect_uri": CALLBACK, "scope": "accounts", "state": "s"}
ABOUT = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


def push(client: Client = CLIENT, **sent: str) -> Decision[pushed.Accepted]:
    """What `/par` decides about these parameters; one sent as "" is left out."""
    return push_once("", False, client, **sent)


def push_once(
    once: str, used: bool, client: Client = CLIENT, **sent: str
) -> Decision[pushed.Accepted]:
    """The same of a signed request, whose jti was used or was not."""
    values = {name: it for name, it in {**GOOD, **sent}.items() if it}
    params = scene.params(client_id=client.client_id, **values)
    inside = Inside(params, "a.b.c" if once else "", once)
    return pushed.push(params, inside, client, used, TERMS, NOW, scene.fresh_from("push"))


def kept(decision: Decision[pushed.Accepted]) -> PushedRequest:
    """What is stored of a pushed request."""
    (found,) = [it.pushed for it in decision.changes if isinstance(it, KeepRequest)]
    return found


@pytest.mark.spec("RFC 9126 2.2", "the request_uri is unguessable and lives for a short time")
def test_a_good_request_is_kept_under_the_hash_of_its_request_uri() -> None:
    decision = push(dpop_jkt=CHALLENGE, nonce="n", prompt="login", max_age="0")
    accepted, row = scene.done(decision), kept(decision)
    assert accepted.request_uri.startswith("urn:ietf:params:oauth:request_uri:")
    assert len(accepted.request_uri.rsplit(":", 1)[1]) == 43
    assert 60 <= accepted.expires_in < 600
    assert row.request_hash == fingerprint(accepted.request_uri)
    assert row.expires_at == NOW + accepted.expires_in
    request = row.request
    assert (request.dpop_jkt, request.nonce, request.prompt) == (CHALLENGE, "n", ("login",))
    assert (request.max_age, request.state, request.scope) == (0, b"s", ("accounts",))
    assert accepted.request_uri.rsplit(":", 1)[1] not in msgspec.json.encode(row).decode()


@pytest.mark.spec("RFC 9126 2.1", "a request_uri inside a pushed request is refused")
@pytest.mark.parametrize("uri", ["urn:x", "https://app.example/request", "urn:ietf:params:oauth"])
def test_a_request_uri_cannot_be_pushed(uri: str) -> None:
    assert scene.refused(push(CLIENT, request_uri=uri)) is refusal_requests.REQUEST_URI_PUSHED


@pytest.mark.spec("RFC 9126 2.3", "what the authorization endpoint would refuse is refused here")
@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ({"redirect_uri": "https://evil.example"}, "invalid_request"),
        ({"redirect_uri": ""}, "invalid_request"),
        ({"response_type": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1.5"}, "invalid_request"),
        ({"max_age": "٣"}, "invalid_request"),
        ({"dpop_jkt": "x"}, "invalid_request"),
    ],
)
def test_a_bad_request_is_refused_when_it_is_pushed(sent: dict[str, str], error: str) -> None:
    decision = push(CLIENT, **sent)
    assert (scene.refused(decision).error, decision.changes) == (error, ())


def test_a_jti_is_used_up_by_the_push_and_once_only() -> None:
    assert UseOnce("jti", NOW + LAW.remember_journey) in push_once("jti", used=False).changes
    assert scene.refused(push_once("jti", used=True)).error == "invalid_request_object"


def test_a_fapi2_client_must_push_and_send_a_code_challenge() -> None:
    strict = msgspec.structs.replace(CLIENT, profile=FAPI2)
    assert scene.refused(push(strict)).name == "pkce_required"
    assert not isinstance(push(strict, **ABOUT).answer, refusal.Refusal)
    pushing = Metadata(require_pushed_authorization_requests=True)
    for client in (strict, msgspec.structs.replace(CLIENT, metadata=pushing)):
        params = scene.params(client_id="app", **GOOD, **ABOUT)
        answer = authorize.present(params, client, ISSUER, NOW, LAW)
        assert isinstance(answer, Reply)
        assert answer.refusal is refusal_requests.PUSH_REQUIRED


def uri(**sent: str) -> Params:
    return scene.params(client_id="app", **sent)


def test_a_request_uri_of_another_address_is_never_fetched() -> None:
    for other in ("https://app.example/request.jwt", "http://localhost", "urn:x", "data:,x", "x"):
        assert pushed.hash_of(uri(request_uri=other), LAW) is refusal_requests.REQUEST_URI_FOREIGN
    for bent in ("A" * 42, "A" * 44, "A" * 42 + "=", "../" + "A" * 40, ""):
        no = pushed.hash_of(uri(request_uri=pushed.PREFIX + bent), LAW)
        assert isinstance(no, refusal.Refusal)
        assert no.error == "invalid_request_uri"


def test_a_request_uri_beside_a_request_or_sent_twice_is_refused() -> None:
    good = scene.done(push()).request_uri
    both = pushed.hash_of(uri(request_uri=good, request="a.b.c"), LAW)
    assert isinstance(both, refusal.Refusal)
    twice = scene.query(f"client_id=app&request_uri={good}&request_uri={good}")
    assert isinstance(pushed.hash_of(twice, LAW), refusal.Refusal)
    assert pushed.hash_of(uri(request_uri=good), LAW) == fingerprint(good)


def test_only_its_own_client_opens_it_in_time_and_until_it_was_answered() -> None:
    row = kept(push())
    assert pushed.found(row, False, "app", row.expires_at - 1) == row.request
    missed = [
        pushed.found(None, False, "app", NOW),
        pushed.found(row, False, "app", row.expires_at),
        pushed.found(row, False, "other", NOW),
        pushed.found(row, True, "app", NOW),
    ]
    told = {it.told for it in missed if isinstance(it, refusal.Refusal)}
    assert (len(missed), len(told)) == (4, 1)


def test_the_first_code_uses_it_up_and_every_other_journey_of_it_is_over() -> None:
    request = kept(push()).request
    first, second = scene.approved(request), scene.approved(request, seed="second")
    decision = authorize.reply(first, NOW, KEY, ISSUER, LAW)
    assert UseOnce(request.once, NOW + LAW.remember_journey) in decision.changes
    late = authorize.reply(second, NOW, KEY, ISSUER, LAW, used=True)
    assert isinstance(late.answer, refusal.Refusal)
    (move,) = late.changes
    assert isinstance(move, Move)
    assert (move.after.state, move.after.code_hash) == (State.EXPIRED, None)


def test_the_way_to_try_again_is_its_request_uri() -> None:
    decision = push()
    again = scene.query(authorize.again(kept(decision).request, KEY))
    assert again.text("request_uri") == scene.done(decision).request_uri
    assert set(again.values) == {"client_id", "request_uri"}


def test_prompt_none_is_answered_with_login_required() -> None:
    request = kept(push(prompt="none")).request
    answer = authorize.showable(request, False, ISSUER)
    assert isinstance(answer, Reply)
    assert dict(answer.pairs)["error"] == b"login_required"
    assert isinstance(authorize.showable(kept(push()).request, False, ISSUER), Request)
