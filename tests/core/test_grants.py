"""The life of a grant: what may change it, and what is kept of each change."""

from __future__ import annotations

import msgspec
import pytest

from endorse.core import consent, grants
from endorse.core.change import Amend, CountUp, Notify
from endorse.core.model import Grant, Phone
from endorse.core.policy import DAY
from endorse.core.proof import Assertion
from endorse.core.refusal import Refusal
from tests.core import scene
from tests.core.scene import ANNA, ANNAS_OTHER_PHONE, BEN, CLIENT, ISSUER, LAW, NOW

GRANT = scene.granted()[1]
ONCE = scene.granted(scene.ONCE)[1]
DOCUMENT = scene.redirected().document or ""
OWNED = [account.resource_id for account in scene.OWNED]
OVER = msgspec.structs.replace(GRANT, ended_at=NOW)
EXPIRED = msgspec.structs.replace(GRANT, expires_at=NOW + 1)


def offered(
    grant: Grant | None = GRANT,
    phone: Phone = ANNA,
    duration: int = CLIENT.duration,
    owned: list[str] = OWNED,
    scope: tuple[str, ...] = CLIENT.scope,
    now: int = NOW + 1,
) -> str | Refusal:
    """The document that would renew the grant."""
    client = msgspec.structs.replace(CLIENT, duration=duration, scope=scope)
    return grants.offer(
        grant, phone, client, DOCUMENT, owned, ISSUER, now, scene.fresh_from("offer"), LAW
    )


def good(document: str | Refusal) -> str:
    """The document of an offer that must not be a refusal."""
    assert isinstance(document, str), document
    return document


def signed(sign_count: int = 0) -> Assertion:
    """A verified answer of Anna's passkey."""
    return Assertion("challenge", ANNA.credential_id, sign_count, '{"signed":true}')


# --- narrowing -------------------------------------------------------------------------------


def test_a_narrowing_keeps_the_call_that_asked_for_it() -> None:
    decision = grants.narrow(GRANT, ANNA, ["acc-3"], "the body", "the proof", NOW + 5)
    amend, told = decision.changes
    assert isinstance(amend, Amend)
    assert amend.after == scene.done(decision)
    assert (amend.after.accounts, amend.after.removed) == ((scene.DOLLARS,), (scene.CURRENT,))
    assert amend.after.revision == GRANT.revision + 1
    kept = amend.evidence
    assert (kept.number, kept.kind, kept.at) == (2, "amendment", NOW + 5)
    assert (kept.signed, kept.signature, kept.public_key) == ("the body", "the proof", None)
    assert isinstance(told, Notify)
    assert (told.notice.kind, told.notice.by_phone_id) == ("connection_narrowed", ANNA.phone_id)


@pytest.mark.parametrize(
    ("grant", "phone", "keep", "name"),
    [
        pytest.param(None, ANNA, ["acc-1"], "not_found", id="unknown"),
        pytest.param(GRANT, BEN, ["acc-1"], "not_found", id="another person"),
        pytest.param(GRANT, ANNAS_OTHER_PHONE, ["acc-1"], "other_phone", id="another phone"),
        pytest.param(OVER, ANNA, ["acc-1"], "connection_ended", id="ended"),
        pytest.param(EXPIRED, ANNA, ["acc-1"], "connection_ended", id="expired"),
        pytest.param(GRANT, ANNA, [], "accounts_not_fewer", id="none"),
        pytest.param(GRANT, ANNA, ["acc-1", "acc-3"], "accounts_not_fewer", id="all"),
        pytest.param(GRANT, ANNA, ["acc-1", "acc-1"], "accounts_not_fewer", id="twice"),
        pytest.param(GRANT, ANNA, ["acc-2"], "accounts_not_fewer", id="owned, not granted"),
        pytest.param(GRANT, ANNA, ["acc-1", "acc-2"], "accounts_not_fewer", id="one more"),
    ],
)
def test_what_is_no_narrowing_changes_nothing(
    grant: Grant | None, phone: Phone, keep: list[str], name: str
) -> None:
    decision = grants.narrow(grant, phone, keep, "{}", "proof", NOW + 1)
    assert (scene.refused(decision).name, decision.changes) == (name, ())


# --- renewing --------------------------------------------------------------------------------


def test_the_offered_document_says_what_the_grant_has_and_the_new_end() -> None:
    before, said = (msgspec.json.decode(text) for text in (DOCUMENT, good(offered())))
    new = {"renews": GRANT.grant_id, "valid_until": consent.timestamp(NOW + 1 + 90 * DAY)}
    assert said == {**before, **new, "nonce": said["nonce"]}
    assert said["nonce"] != before["nonce"]


def test_a_renewal_lasts_at_most_180_days_from_now() -> None:
    said = msgspec.json.decode(good(offered(duration=900 * DAY)))
    assert said["valid_until"] == consent.timestamp(NOW + 1 + 180 * DAY)


def test_another_phone_of_the_person_renews_under_its_own_name() -> None:
    said = msgspec.json.decode(good(offered(phone=ANNAS_OTHER_PHONE)))
    assert said["device"] == ANNAS_OTHER_PHONE.device


@pytest.mark.parametrize(
    ("document", "name"),
    [
        pytest.param(offered(None), "not_found", id="unknown"),
        pytest.param(offered(phone=BEN), "not_found", id="another person"),
        pytest.param(offered(OVER), "connection_ended", id="ended"),
        pytest.param(offered(EXPIRED), "connection_ended", id="expired"),
        pytest.param(offered(ONCE), "not_renewable", id="for one time"),
        pytest.param(offered(owned=["acc-1"]), "not_renewable", id="an account is gone"),
        pytest.param(offered(scope=("accounts",)), "not_renewable", id="not registered for it"),
        pytest.param(offered(duration=DAY), "not_renewable", id="would be shorter"),
        pytest.param(offered(now=NOW), "not_renewable", id="would not be longer"),
    ],
)
def test_what_cannot_be_renewed_is_refused(document: str | Refusal, name: str) -> None:
    assert isinstance(document, Refusal)
    assert document.name == name


def test_a_renewal_keeps_what_was_signed_and_the_key_that_verifies_it() -> None:
    document = good(offered(phone=ANNAS_OTHER_PHONE))
    decision = grants.renew(GRANT, ANNAS_OTHER_PHONE, 1, document, signed(), NOW + 9)
    amend, told = decision.changes
    assert isinstance(amend, Amend)
    assert amend.after == msgspec.structs.replace(
        GRANT, phone_id=ANNAS_OTHER_PHONE.phone_id, expires_at=NOW + 1 + 90 * DAY, revision=2
    )
    kept = amend.evidence
    assert (kept.number, kept.kind, kept.signed) == (2, "consent", document)
    assert kept.credential_id == ANNAS_OTHER_PHONE.credential_id
    assert isinstance(told, Notify)
    assert told.notice.kind == "connection_renewed"


def test_a_renewal_notes_the_passkeys_counter() -> None:
    decision = grants.renew(GRANT, ANNA, 1, good(offered()), signed(7), NOW + 9)
    assert CountUp(ANNA.phone_id, 7) in decision.changes


@pytest.mark.parametrize(
    ("grant", "phone", "revision", "name"),
    [
        pytest.param(None, ANNA, 1, "not_found", id="unknown"),
        pytest.param(GRANT, BEN, 1, "not_found", id="another person"),
        pytest.param(OVER, ANNA, 1, "connection_ended", id="ended"),
        pytest.param(GRANT, ANNA, 0, "connection_changed", id="an older document"),
        pytest.param(GRANT, ANNA, 2, "connection_changed", id="a later one"),
    ],
)
def test_a_renewal_of_another_state_changes_nothing(
    grant: Grant | None, phone: Phone, revision: int, name: str
) -> None:
    decision = grants.renew(grant, phone, revision, good(offered()), signed(), NOW + 9)
    assert (scene.refused(decision).name, decision.changes) == (name, ())
