"""What exactly is asked (RFC 9396): understood whole or refused, and given as it was signed."""

from __future__ import annotations

import copy
import json
from typing import Any

import msgspec
import pytest

from endorse.core import asked, authorize, consent, details
from endorse.core.answer import Reply
from endorse.core.details import AccountInformation, PaymentInitiation
from endorse.core.iban import iban_problem
from endorse.core.metadata import Metadata
from endorse.core.model import Client, Request
from tests.core import scene
from tests.core.scene import CALLBACK, CLIENT, ISSUER, LAW, NOW

PAYER = msgspec.structs.replace(
    CLIENT, metadata=Metadata(authorization_details_types=details.TYPES)
)
PAYMENT: dict[str, Any] = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "EUR", "amount": "123.50"},
    "creditorName": "Merchant A",
    "creditorAccount": {"iban": "DE02100100109307118603"},
    "remittanceInformationUnstructured": "Ref Number Merchant",
}
LOOK: dict[str, Any] = {
    "type": "account_information",
    "actions": ["list_accounts", "read_transactions"],
    "dateFrom": "2026-01-01",
    "accountsAtMost": 2,
}


def present(told: Any, client: Client = PAYER, **beside: str) -> Request | Reply:
    """What the authorization endpoint decides about these details."""
    text = told if isinstance(told, str) else json.dumps(told)
    good = {"client_id": "app", "redirect_uri": CALLBACK, "response_type": "code"}
    params = scene.params(**good, authorization_details=text, **beside)
    answer = authorize.present(params, client, ISSUER, NOW, LAW)
    assert isinstance(answer, Request | Reply)
    return answer


def asking(told: Any, **beside: str) -> Request:
    answer = present(told, PAYER, **beside)
    assert isinstance(answer, Request), answer
    return answer


def error(told: Any, client: Client = PAYER, **beside: str) -> str:
    answer = present(told, client, **beside)
    assert isinstance(answer, Reply), answer
    assert answer.refusal is not None
    return answer.refusal.error


def test_a_payment_is_frozen_as_it_was_asked() -> None:
    request = asking([PAYMENT])
    assert details.plain(request.authorization_details) == [PAYMENT]
    assert request.scope == ()


def test_a_look_at_accounts_is_its_scope_and_its_limits() -> None:
    request = asking([LOOK], scope="offline_access")
    assert request.scope == ("accounts", "transactions", "offline_access")
    (detail,) = request.authorization_details
    assert isinstance(detail, AccountInformation)
    assert detail.date_from == "2026-01-01"
    assert details.accounts_needed(request.authorization_details) == (1, 2)


def changed(base: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The details with one member changed, or left out where the value is None."""
    told = copy.deepcopy(base)
    inner, *names = told, *path.split(".")
    for name in names[:-1]:
        inner = inner[name]
    if value is None:
        del inner[names[-1]]
    else:
        inner[names[-1]] = value
    return told


@pytest.mark.spec("RFC 9396 5", "unknown types, members and bad values are refused")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("type", "other"),
        ("type", None),
        ("type", ["payment_initiation"]),
        ("unknown", 1),
        ("instructedAmount", None),
        ("instructedAmount", "123.50"),
        ("instructedAmount.amount", 123.5),
        ("instructedAmount.amount", "0"),
        ("instructedAmount.amount", "0.00"),
        ("instructedAmount.amount", "-1"),
        ("instructedAmount.amount", "1.234"),
        ("instructedAmount.amount", "1e3"),
        ("instructedAmount.amount", "01"),
        ("instructedAmount.amount", "1,50"),
        ("instructedAmount.amount", "1234567890"),
        ("instructedAmount.amount", "\u0661"),
        ("instructedAmount.currency", "USD"),
        ("instructedAmount.currency", "eur"),
        ("instructedAmount.more", "x"),
        ("creditorName", None),
        ("creditorName", ""),
        ("creditorName", " Merchant"),
        ("creditorName", "a" * 71),
        ("creditorName", "Shop\u202e"),
        ("creditorName", "two\nlines"),
        ("creditorAccount", {}),
        ("creditorAccount.iban", "DE02100100109307118604"),
        ("creditorAccount.iban", "DE02 1001 0010 9307 1186 03"),
        ("creditorAccount.iban", "de02100100109307118603"),
        ("creditorAccount.iban", "US64SVBKUS6S3300958879"),
        ("creditorAccount.bban", "x"),
        ("remittanceInformationUnstructured", "a" * 141),
        ("remittanceInformationUnstructured", "Zero\u200bwidth"),
        ("debtorAccount", {"iban": "x"}),
        ("locations", ["https://other.example/payments"]),
        ("locations", [ISSUER + ".evil.example"]),
        ("requestedExecutionDate", "2026-01-01"),
    ],
)
def test_a_payment_with_anything_wrong_is_refused(path: str, value: Any) -> None:
    assert error([changed(PAYMENT, path, value)]) == "invalid_authorization_details"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("actions", None),
        ("actions", []),
        ("actions", ["list_accounts", "list_accounts"]),
        ("actions", ["move_money"]),
        ("actions", "list_accounts"),
        ("dateFrom", "01-01-2026"),
        ("dateFrom", "2026-02-30"),
        ("dateTo", "2025-12-31"),
        ("accountsAtLeast", 0),
        ("accountsAtLeast", 3),
        ("accountsAtLeast", "1"),
        ("accountsAtMost", 0),
        ("accountsAtMost", LAW.accounts_chosen + 1),
        ("accountsAtMost", 1.5),
        ("privileges", ["all"]),
    ],
)
def test_a_look_with_anything_wrong_is_refused(path: str, value: Any) -> None:
    assert error([changed(LOOK, path, value)]) == "invalid_authorization_details"


@pytest.mark.parametrize(
    "told",
    [
        *([], [PAYMENT, PAYMENT], [PAYMENT, LOOK], PAYMENT, "[", "null", "1", "[[]]", "[" * 5000),
        '[{"type":"payment_initiation","type":"account_information"}]',
        '[{"type":"account_information","actions":["list_accounts"],"accountsAtLeast":NaN}]',
    ],
)
def test_what_is_not_one_object_of_strict_json_is_refused(told: Any) -> None:
    assert error(told) == "invalid_authorization_details"


@pytest.mark.spec("RFC 9396 10", "a client asks for the types that it is registered for")
def test_a_payment_is_only_for_a_client_that_is_registered_for_it() -> None:
    assert error([PAYMENT], CLIENT) == "invalid_authorization_details"
    assert isinstance(present([LOOK], CLIENT), Request)


def test_a_look_stays_within_the_clients_registered_scope() -> None:
    narrow = msgspec.structs.replace(PAYER, scope=("accounts", "offline_access"))
    assert error([LOOK], narrow) == "invalid_scope"


@pytest.mark.parametrize("scope", ["accounts", "accounts offline_access", "transactions"])
def test_a_scope_beside_details_could_widen_them_and_is_refused(scope: str) -> None:
    assert error([LOOK], scope=scope) == "invalid_scope"
    assert error([PAYMENT], scope="offline_access") == "invalid_scope"


def test_details_are_part_of_the_frozen_request_and_of_the_way_to_try_again() -> None:
    request, other = asking([PAYMENT]), asking([changed(PAYMENT, "creditorName", "Merchant B")])
    assert authorize.digest(request, ISSUER) != authorize.digest(other, ISSUER)
    for it in (request, asking([LOOK], scope="offline_access")):
        again = authorize.present(scene.query(asked.query(it)), PAYER, ISSUER, NOW, LAW)
        assert again == it


def test_the_document_that_is_signed_holds_the_payment() -> None:
    journey = scene.matched(asking([PAYMENT]))
    signed = scene.done(scene.chosen(journey, "acc-1")).document
    said = json.loads(signed or "")
    assert said["authorization_details"] == [PAYMENT]
    assert (said["recurring"], said["scope"]) == (False, [])
    assert said["texts"] == consent.TEXTS_VERSION


@pytest.mark.parametrize(
    ("told", "chosen", "good"),
    [
        (PAYMENT, ("acc-1",), True),
        (PAYMENT, ("acc-1", "acc-2"), False),
        (PAYMENT, ("acc-2",), False),  # without an IBAN
        (PAYMENT, ("acc-3",), False),  # in dollars
        ({**PAYMENT, "debtorAccount": {"iban": "NL91ABNA0417164300"}}, ("acc-1",), True),
        ({**PAYMENT, "debtorAccount": {"iban": "DE02100100109307118603"}}, ("acc-1",), False),
        (LOOK, (), False),
        (LOOK, ("acc-1", "acc-2"), True),
        (LOOK, ("acc-1", "acc-2", "acc-3"), False),
        ({**LOOK, "accountsAtLeast": 2}, ("acc-1",), False),
    ],
)
def test_the_choice_must_fit_what_is_asked(told: Any, chosen: tuple[str, ...], good: bool) -> None:
    decision = scene.chosen(scene.matched(asking([told])), *chosen)
    if good:
        scene.done(decision)
    else:
        assert scene.refused(decision).error == "accounts_not_accepted"


@pytest.mark.spec("RFC 9396 7", "the token response says what was granted")
def test_the_grant_and_the_tokens_have_what_was_signed() -> None:
    journey = scene.done(scene.chosen(scene.matched(asking([PAYMENT])), "acc-1"))
    signed = json.loads(journey.document or "")
    assert signed["authorization_details"] == [PAYMENT]
    _, grant = scene.granted(asking([LOOK], scope="offline_access"))
    assert details.plain(grant.authorization_details) == [LOOK]


@pytest.mark.parametrize(
    "iban",
    [
        "DE02100100109307118603",
        "NL91ABNA0417164300",
        "NO9386011117947",
        "FR1420041010050500013M02606",
    ],
)
def test_a_real_iban_is_good(iban: str) -> None:
    assert iban_problem(iban) == ""
    # ISO 7064: every change of one digit shows.
    for place in range(4, len(iban)):
        if iban[place].isdigit():
            other = iban[:place] + str((int(iban[place]) + 1) % 10) + iban[place + 1 :]
            assert iban_problem(other)


@pytest.mark.parametrize("digits", ["00", "01", "99"])
def test_check_digits_that_nobody_computes_are_refused(digits: str) -> None:
    assert iban_problem(f"DE{digits}100100109307118603")


def test_the_words_are_those_of_the_specifications() -> None:
    (payment,) = asking([PAYMENT]).authorization_details
    assert isinstance(payment, PaymentInitiation)
    assert details.types_of((payment,)) == ("payment_initiation",)
