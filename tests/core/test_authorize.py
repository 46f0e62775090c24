"""The authorization endpoint's checks, in their order, and the one way back to the client."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote_from_bytes, unquote_to_bytes, urlsplit

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endorse.core import asked, authorize
from endorse.core.answer import Reply
from endorse.core.change import Move
from endorse.core.coding import fingerprint
from endorse.core.journey import State
from endorse.core.model import Client, Request, Trusted
from endorse.core.policy import SCOPES
from endorse.core.refusal import Refusal
from endorse.core.trust import Untrusted
from tests.core import scene
from tests.core.scene import CALLBACK, CLIENT, ISSUER, KEY, LAW, NOW, PUBLIC

CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 appendix B
GOOD = {
    "response_type": "code",
    "client_id": "app",
    "redirect_uri": CALLBACK,
    "state": "xyz",
    "scope": "accounts balances",
}


def raw(**changed: str | None) -> str:
    """The query of a good request; a value is sent as it is, None is left out."""
    sent = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    return "&".join(f"{name}={value.replace(' ', '+')}" for name, value in sent.items())


def present(query: str | bytes, client: Client | None = CLIENT) -> Request | Untrusted | Reply:
    """What the endpoint decides about this query."""
    return authorize.present(scene.query(query), client, ISSUER, NOW, LAW)


def untrusted(query: str | bytes, client: Client | None = CLIENT) -> Untrusted:
    """The page for a request that may not be redirected."""
    answer = present(query, client)
    assert isinstance(answer, Untrusted), answer
    return answer


def error(query: str | bytes, client: Client | None = CLIENT) -> str:
    """The error that goes back to the client's redirect_uri, with its stable name."""
    answer = present(query, client)
    assert isinstance(answer, Reply), answer
    assert answer.refusal is not None
    assert answer.location.startswith(CALLBACK + "?")
    sent = sent_back(answer.location)
    assert sent["iss"] == ISSUER.encode()
    assert sent["error"].decode() == answer.refusal.error
    assert sent["error_description"].decode() == answer.refusal.told
    return answer.refusal.name


def sent_back(location: str) -> dict[str, bytes]:
    """The parameters of a redirect, as bytes."""
    pairs = [pair.partition("=") for pair in urlsplit(location).query.split("&")]
    assert len({name for name, _, _ in pairs}) == len(pairs)
    return {name: unquote_to_bytes(value.replace("+", " ")) for name, _, value in pairs}


def test_a_good_request_is_frozen_as_it_was_asked() -> None:
    assert present(raw()) == Request(
        Trusted("app", CALLBACK), ("accounts", "balances"), b"xyz", None
    )


# --- until client and redirect_uri are known, nothing is redirected ---------------------------


@pytest.mark.parametrize(
    ("query", "client", "name"),
    [
        (raw(client_id=None), None, "client_id_missing"),
        (raw(client_id=""), None, "client_id_missing"),
        (raw(client_id="nobody"), None, "client_unknown"),
        (raw() + "&client_id=app", CLIENT, "parameter_doubled"),
        pytest.param(raw(client_id="a" * 2049), None, "parameter_too_long", id="long-client_id"),
        (raw(client_id="%FF"), None, "parameter_not_text"),
        (raw(client_id="a%00"), None, "parameter_not_text"),
        (raw() + "&redirect_uri=https://evil.example", CLIENT, "parameter_doubled"),
        (raw(redirect_uri=None), CLIENT, "redirect_uri_missing"),
        (raw(redirect_uri=""), CLIENT, "redirect_uri_missing"),
        (raw(redirect_uri="%C3%28"), CLIENT, "parameter_not_text"),
        pytest.param(raw(redirect_uri="x" * 2049), CLIENT, "parameter_too_long", id="long-uri"),
    ],
)
def test_a_bad_client_or_redirect_uri_never_redirects(
    query: str, client: Client | None, name: str
) -> None:
    assert untrusted(query, client).name == name


@pytest.mark.parametrize(
    "received",
    [
        CALLBACK + "/",
        CALLBACK + "?x=1",
        CALLBACK + "%23",
        CALLBACK.upper(),
        CALLBACK.replace("https", "http"),
        CALLBACK.replace("app.example", "app.example:443"),
        CALLBACK.replace("https://", "https://app.example@evil.example/"),
        CALLBACK[:-1],
        "https://app.example/%63allback",
        "https://app.example/other",
    ],
)
def test_a_redirect_uri_that_differs_in_anything_never_redirects(received: str) -> None:
    page = untrusted(raw(redirect_uri=received.replace("%63", "%2563")))
    assert page.name == "redirect_uri_mismatch"
    assert page.registered == CLIENT.redirect_uris
    assert page.received != CALLBACK


def test_a_bad_redirect_uri_wins_over_every_later_fault() -> None:
    query = "client_id=app&redirect_uri=https://evil.example&scope=all&scope=all&response_type=x"
    assert untrusted(query).name == "redirect_uri_mismatch"


def test_an_unknown_client_is_not_shown_what_is_registered() -> None:
    page = untrusted(raw(), None)
    assert (page.registered, page.received) == ((), None)


# --- from then on every error is redirected, in this order -------------------------------------


@pytest.mark.parametrize(
    ("query", "name"),
    [
        (raw() + "&scope=accounts", "parameter_doubled"),
        (raw() + "&unknown=1&unknown=2", "parameter_doubled"),
        (raw() + "&code_challenge=&code_challenge=", "parameter_doubled"),
        pytest.param(raw(state="s" * 2049), "parameter_too_long", id="long-state"),
        pytest.param(raw(response_type="x" * 2049), "parameter_too_long", id="long-type"),
        (raw(scope="%FF"), "parameter_not_text"),
        (raw(scope="accounts%0Abalances"), "parameter_not_text"),
        (raw(code_challenge="%E2%28"), "parameter_not_text"),
        (raw(response_type=None), "parameter_missing"),
        (raw(response_type=""), "parameter_missing"),
        (raw(response_type="token"), "response_type_unsupported"),
        (raw(response_type="code token"), "response_type_unsupported"),
        (raw(response_type="CODE"), "response_type_unsupported"),
        (raw(response_mode="fragment"), "response_mode_unsupported"),
        (raw(scope="payments"), "scope_unknown"),
        (raw(scope="accounts payments"), "scope_unknown"),
        (raw(scope="offline_access"), "scope_unknown"),
        (raw(scope="Accounts"), "scope_unknown"),
        (raw(code_challenge=CHALLENGE), "pkce_method"),
        (raw(code_challenge=CHALLENGE, code_challenge_method="plain"), "pkce_method"),
        (raw(code_challenge=CHALLENGE[:-1], code_challenge_method="S256"), "pkce_method"),
        (raw(code_challenge=CHALLENGE + "A", code_challenge_method="S256"), "pkce_method"),
        (raw(code_challenge="", code_challenge_method="S256"), "pkce_method"),
        (raw(code_challenge=CHALLENGE[:-1] + "=", code_challenge_method="S256"), "pkce_method"),
    ],
)
def test_every_other_fault_goes_back_to_the_client(query: str, name: str) -> None:
    assert error(query) == name


def test_the_faults_are_found_in_their_order() -> None:
    # Each step mends the fault that was found, and leaves all later ones.
    sent = {
        **GOOD,
        "state": "s" * 2049,
        "response_type": "%FF",
        "response_mode": "fragment",
        "scope": "payments",
        "code_challenge": "short",
    }
    found = [error(raw(**sent) + "&x=1&x=2")]
    mended = ["state", "response_type", "response_type", "response_mode", "scope"]
    values = ["xyz", "token", "code", "query", "accounts"]
    found.append(error(raw(**sent)))
    for name, value in zip(mended, values, strict=True):
        sent[name] = value
        found.append(error(raw(**sent)))
    assert found == [
        "parameter_doubled",
        "parameter_too_long",
        "parameter_not_text",
        "response_type_unsupported",
        "response_mode_unsupported",
        "scope_unknown",
        "pkce_method",
    ]


def test_a_public_client_must_send_a_code_challenge() -> None:
    assert error(raw(client_id="public-app"), PUBLIC) == "pkce_required"
    query = raw(client_id="public-app", code_challenge=CHALLENGE, code_challenge_method="S256")
    request = present(query, PUBLIC)
    assert isinstance(request, Request)
    assert request.code_challenge == CHALLENGE


def test_a_code_challenge_of_a_confidential_client_is_kept_too() -> None:
    request = present(raw(code_challenge=CHALLENGE, code_challenge_method="S256"))
    assert isinstance(request, Request)
    assert request.code_challenge == CHALLENGE


def test_unknown_parameters_are_ignored() -> None:
    assert present(raw(claims="%FF", display="page")) == present(raw())


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("nl-BE nl en", ("nl-BE", "nl", "en")),
        ("nl", ("nl",)),
        ("nl  <b> x %FF", ("nl",)),
        ("de_DE", ()),
        ("a" * 9000, ()),
        (" ".join(["nl"] * 9), ("nl",) * 8),
    ],
)
def test_the_languages_of_a_request_are_kept_and_never_worth_a_refusal(
    sent: str, kept: tuple[str, ...]
) -> None:
    answer = present(raw(ui_locales=sent))
    assert isinstance(answer, Request)
    assert answer.ui_locales == kept


def test_trying_again_asks_for_the_same_languages() -> None:
    answer = present(raw(ui_locales="nl-BE fr"))
    assert isinstance(answer, Request)
    assert present(asked.query(answer)) == answer


def test_no_scope_means_what_the_client_is_registered_for() -> None:
    for query in (raw(scope=None), raw(scope=""), raw(scope="++")):
        request = present(query)
        assert isinstance(request, Request)
        assert request.scope == SCOPES


def test_a_scope_beyond_the_clients_registration_is_refused() -> None:
    narrow = msgspec.structs.replace(CLIENT, scope=("accounts",))
    assert error(raw(scope="accounts balances"), narrow) == "scope_unknown"


def test_the_scope_is_kept_in_one_order_and_once() -> None:
    request = present(raw(scope="offline_access balances accounts balances"))
    assert isinstance(request, Request)
    assert request.scope == ("accounts", "balances", "offline_access")


# --- the state -------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=60))
def test_the_state_of_an_error_comes_back_byte_for_byte(state: bytes) -> None:
    answer = present(raw(state=quote_from_bytes(state, safe=""), scope="payments"))
    assert isinstance(answer, Reply)
    assert sent_back(answer.location)["state"] == state


@pytest.mark.parametrize(
    "state", [b"+", b"=", b"&", b"%", b"%26iss=x", b"a+b c=d&e%f", b"\xff\xfe", "é☃".encode()]
)
def test_the_state_of_an_answer_comes_back_byte_for_byte(state: bytes) -> None:
    request = present(raw(state=quote_from_bytes(state, safe="")))
    assert isinstance(request, Request)
    assert request.state == state
    for journey in (scene.approved(request), scene.ended(scene.claimed(request), State.KILLED)):
        reply = scene.done(authorize.reply(journey, NOW, KEY, ISSUER, LAW))
        assert sent_back(reply.location)["state"] == state
        assert sent_back(reply.location)["iss"] == ISSUER.encode()


def test_a_state_sent_as_a_plus_sign_is_a_space() -> None:
    request = present(raw(state="a+b"))
    assert isinstance(request, Request)
    assert request.state == b"a b"


@pytest.mark.parametrize("state", [None, ""])
def test_a_state_that_was_not_sent_does_not_come_back(state: str | None) -> None:
    request = present(raw(state=state))
    assert isinstance(request, Request)
    assert "state" not in location_of(request)
    answer = present(raw(state=state, scope="payments"))
    assert isinstance(answer, Reply)
    assert "state" not in sent_back(answer.location)


def test_a_state_sent_twice_or_too_long_does_not_come_back() -> None:
    for query in (raw() + "&state=other", raw(state="s" * 2049)):
        answer = present(query)
        assert isinstance(answer, Reply)
        assert "state" not in sent_back(answer.location)


# --- the answer ------------------------------------------------------------------------------


def location_of(request: Request) -> dict[str, bytes]:
    """The parameters that the browser of an approved request takes back."""
    reply = scene.done(authorize.reply(scene.approved(request), NOW, KEY, ISSUER, LAW))
    return sent_back(reply.location)


def test_an_approval_goes_back_with_code_state_and_issuer_only() -> None:
    sent = location_of(scene.REQUEST)
    assert set(sent) == {"code", "state", "iss"}
    assert sent["code"].decode() == scene.code_of(scene.approved())


def test_a_redirect_uri_with_a_query_keeps_it() -> None:
    request = present(raw(redirect_uri=CLIENT.redirect_uris[1].replace("=", "%3D")))
    assert isinstance(request, Request)
    reply = scene.done(authorize.reply(scene.approved(request), NOW, KEY, ISSUER, LAW))
    assert reply.location.startswith("https://app.example/other?from=bank&code=")
    assert sent_back(reply.location)["from"] == b"bank"


def test_the_code_is_stored_as_its_hash_and_lives_for_its_time() -> None:
    journey = scene.approved()
    (move,) = authorize.reply(journey, NOW + 5, KEY, ISSUER, LAW).changes
    assert isinstance(move, Move)
    code = scene.code_of(journey)
    assert move.after.code_hash == fingerprint(code)
    assert move.after.expires_at == NOW + 5 + 60
    assert code not in msgspec.json.encode(move).decode()


def test_one_journey_has_one_code_ever() -> None:
    first = scene.done(authorize.reply(scene.approved(), NOW, KEY, ISSUER, LAW))
    again = authorize.reply(scene.redirected(), NOW + 59, KEY, ISSUER, LAW)
    assert scene.done(again) == first
    assert again.changes == ()
    assert scene.code_of(scene.approved()) != scene.code_of(scene.approved(seed="other"))


def test_a_code_that_was_redeemed_or_is_too_old_is_not_handed_out_again() -> None:
    for journey, now in ((scene.ended(scene.redirected(), State.REDEEMED), NOW),
                         (scene.redirected(), NOW + 60)):  # fmt: skip
        no = scene.refused(authorize.reply(journey, now, KEY, ISSUER, LAW))
        assert no.name == "wrong_state"


@pytest.mark.parametrize("state", [State.WAITING, State.CLAIMED, State.MATCHED, State.REVIEW])
def test_there_is_nothing_to_fetch_before_the_person_decided(state: State) -> None:
    journey = scene.REACH[state]()
    assert isinstance(authorize.reply(journey, NOW, KEY, ISSUER, LAW).answer, Refusal)


@pytest.mark.parametrize("state", [State.REJECTED, State.CANCELLED, State.KILLED, State.EXPIRED])
def test_a_journey_without_approval_goes_back_as_access_denied(state: State) -> None:
    decision = authorize.reply(scene.REACH[state](), NOW, KEY, ISSUER, LAW)
    sent = sent_back(scene.done(decision).location)
    assert set(sent) == {"error", "error_description", "error_uri", "state", "iss"}
    assert sent["error"] == b"access_denied"
    assert decision.changes == ()


def test_an_approval_nobody_came_for_goes_back_as_access_denied() -> None:
    decision = authorize.reply(scene.approved(), NOW + LAW.resume, KEY, ISSUER, LAW)
    assert sent_back(scene.done(decision).location)["error"] == b"access_denied"


def test_a_request_written_as_a_query_reads_the_same_again() -> None:
    for state in (None, b"a+b&c=%\xff"):
        request = msgspec.structs.replace(scene.WITH_PKCE, state=state)
        assert present(asked.query(request)) == request


def test_the_digest_changes_with_every_field_of_the_request_and_with_the_issuer() -> None:
    plain = scene.REQUEST
    others = [
        msgspec.structs.replace(plain, scope=("accounts",)),
        msgspec.structs.replace(plain, state=b"another"),
        msgspec.structs.replace(plain, state=None),
        msgspec.structs.replace(plain, code_challenge=CHALLENGE),
        msgspec.structs.replace(plain, returns_to=Trusted("app", CALLBACK + "2")),
        msgspec.structs.replace(plain, returns_to=Trusted("app2", CALLBACK)),
    ]
    digests = {authorize.digest(request, ISSUER) for request in (plain, *others)}
    digests.add(authorize.digest(plain, ISSUER + "2"))
    assert len(digests) == len(others) + 2


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=80))
def test_no_query_of_a_known_client_leaves_its_registered_address(tail: bytes) -> None:
    answer = present(raw(state=None).encode() + b"&" + tail)
    if isinstance(answer, Reply):
        assert answer.location.startswith(CALLBACK + "?error=")
        assert dict(parse_qsl(urlsplit(answer.location).query))["iss"] == ISSUER
    elif isinstance(answer, Request):
        assert answer.returns_to == Trusted("app", CALLBACK)
