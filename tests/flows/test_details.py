"""What exactly was granted (RFC 9396), from the request to the bank: a look, or a payment."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx2
import msgspec
import pytest

from endorse.core import evidence
from endorse.core.change import ChangeClient
from endorse.core.details import TYPES
from endorse.core.metadata import Metadata
from endorse.phone import Phone, Refused
from endorse.store import reads
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio

PAYMENT: dict[str, Any] = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "EUR", "amount": "12.50"},
    "creditorName": "Bäckerei Groß",
    "creditorAccount": {"iban": "DE02100100109307118603"},
    "remittanceInformationUnstructured": "Invoice 7",
}
ORDER = {name: value for name, value in PAYMENT.items() if name != "type"}
PATH = "/v1/payments/sepa-credit-transfers"


@pytest.fixture(autouse=True)
async def payer(served: Served) -> AsyncIterator[None]:
    """The app with a secret may ask for payments."""
    client = await served.desk.store.read(lambda db: reads.client(db, served.app.client_id))
    assert client is not None
    after = msgspec.structs.replace(client, metadata=Metadata(authorization_details_types=TYPES))
    assert await served.desk.store.change([ChangeClient(after)], served.clock())
    yield
    assert await served.desk.store.change([ChangeClient(client)], served.clock())


async def granted(
    served: Served, phone: Phone, detail: dict[str, Any], *accounts: str, scope: str | None = None
) -> dict[str, Any]:
    """What the token endpoint answers after a whole connection with this detail."""
    told = json.dumps([detail])
    return await play.tokens(served, phone, accounts, authorization_details=told, scope=scope)


async def order(served: Served, access_token: str, body: Any) -> httpx2.Response:
    """Order a payment."""
    bearer = {"Authorization": f"Bearer {access_token}"}
    return await served.http.post(served.url(PATH), json=body, headers=bearer)


async def available(served: Served, account: str = "anna-current") -> float:
    """What an account has."""
    balance = (await served.desk.bank.balances(account))[0]
    return float(balance.balance_amount.amount)


@pytest.mark.spec("RFC 9396 7", "the token response says what was granted")
async def test_an_approved_payment_is_made_once(served: Served) -> None:
    phone = await play.phone_of(served)
    got = await granted(served, phone, PAYMENT, "anna-current")
    assert got["authorization_details"] == [PAYMENT]
    assert (got["scope"], "refresh_token" in got) == ("", False)
    before = await available(served)
    made = await order(served, got["access_token"], ORDER)
    assert made.status_code == 201, made.text
    assert made.json()["transactionStatus"] == "ACSP"
    again = await order(served, got["access_token"], ORDER)
    assert again.json() == made.json()
    assert await available(served) == before - 12.5
    links = made.json()["_links"]
    status = await play.bank(served, links["status"]["href"], got["access_token"])
    assert status.json() == {"transactionStatus": "ACSP"}
    whole = await play.bank(served, links["self"]["href"], got["access_token"])
    assert whole.json() == {**ORDER, "transactionStatus": "ACSP"}


@pytest.mark.parametrize(
    "changed",
    [
        {"instructedAmount": {"currency": "EUR", "amount": "12.51"}},
        {"instructedAmount": {"currency": "EUR", "amount": "12.5"}},
        {"creditorName": "Somebody else"},
        {"creditorAccount": {"iban": "NL91ABNA0417164300"}},
        {"remittanceInformationUnstructured": "Invoice 8"},
        {"remittanceInformationUnstructured": ""},
        {"debtorAccount": {"iban": "NL91ABNA0417164300"}},
    ],
)
async def test_any_other_payment_is_refused_and_nothing_moves(
    served: Served, changed: dict[str, Any]
) -> None:
    got = await granted(served, await play.phone_of(served), PAYMENT, "anna-current")
    before = await available(served)
    no = await order(served, got["access_token"], {**ORDER, **changed})
    assert (no.status_code, no.json()["tppMessages"][0]["code"]) == (403, "PAYMENT_FAILED")
    assert await available(served) == before


async def test_a_payments_token_sees_no_account_and_another_token_makes_no_payment(
    served: Served,
) -> None:
    phone = await play.phone_of(served)
    paying = (await granted(served, phone, PAYMENT, "anna-current"))["access_token"]
    for path in ("/v1/accounts", "/v1/accounts/anna-current/balances"):
        assert (await play.bank(served, path, paying)).status_code == 403
    looking = (await play.tokens(served, phone))["access_token"]
    assert (await order(served, looking, ORDER)).status_code == 403
    assert (await order(served, "nothing", ORDER)).status_code == 401
    made = (await order(served, paying, ORDER)).json()["paymentId"]
    other = (await granted(served, phone, PAYMENT, "anna-current"))["access_token"]
    for token in (other, looking):
        answer = await play.bank(served, f"{PATH}/{made}/status", token)
        assert answer.status_code in (403, 404)


async def test_what_cannot_be_paid_is_rejected_by_the_bank(served: Served) -> None:
    large = {**PAYMENT, "instructedAmount": {"currency": "EUR", "amount": "999999999"}}
    got = await granted(served, await play.phone_of(served), large, "anna-current")
    asked = {name: value for name, value in large.items() if name != "type"}
    answer = await order(served, got["access_token"], asked)
    assert answer.json()["transactionStatus"] == "RJCT"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{", 400),
        (b'{"creditorName":"a","creditorName":"b"}', 400),
        (json.dumps(ORDER).encode() + b" " * 65_536, 413),
    ],
)
async def test_an_order_that_is_none_is_refused(served: Served, raw: bytes, status: int) -> None:
    got = await granted(served, await play.phone_of(served), PAYMENT, "anna-current")
    bearer = {"Authorization": f"Bearer {got['access_token']}"}
    answer = await served.http.post(served.url(PATH), content=raw, headers=bearer)
    assert answer.status_code == status
    assert "tppMessages" in answer.json()
    nobody = await served.http.post(served.url(PATH), content=raw)
    assert nobody.status_code == 401


async def test_the_phone_shows_and_signs_exactly_the_payment(served: Served) -> None:
    phone = await play.phone_of(served)
    before = {it.grant_id for it in await phone.connections()}
    tab = await play.begun(served, authorization_details=json.dumps([PAYMENT]), scope=None)
    claimed = await play.claimed(tab, phone)
    assert claimed.asks_payment
    matched = await play.matched(tab, phone, claimed.journey)
    assert list(matched.authorization_details) == [PAYMENT]
    assert matched.accounts
    assert {account.currency for account in matched.accounts} == {"EUR"}
    chosen = [account.resource_id for account in matched.accounts]
    with pytest.raises(Refused):
        await phone.review(claimed.journey, chosen[:2])
    review = await phone.review(claimed.journey, chosen[:1])
    assert list(review.consent.authorization_details) == [PAYMENT]
    await phone.approve(review)
    got = (await play.redeem(served, play.answered(await tab.resume())["code"])).json()
    (connection,) = [it for it in await phone.connections() if it.grant_id not in before]
    assert list(connection.authorization_details) == [PAYMENT]
    bundle = evidence.read(await phone.evidence(connection.grant_id))
    assert not isinstance(bundle, str)
    assert not [it for it in evidence.verify(bundle, served.issuer) if it.wrong]
    other = msgspec.structs.replace(
        bundle, grant=msgspec.structs.replace(bundle.grant, authorization_details=())
    )
    wrong = [it for it in evidence.verify(evidence.sealed(other), served.issuer) if it.wrong]
    assert [it.wrong for it in wrong] == ["its authorization_details"]
    assert got["token_type"] == "Bearer"
    told = [it for it in await phone.notices() if it.grant_id == connection.grant_id]
    assert [it.kind for it in told] == ["payment_approved"]


async def test_a_look_shows_only_the_days_and_kinds_that_were_given(served: Served) -> None:
    phone = await play.phone_of(served)
    first = datetime.fromtimestamp(served.clock(), UTC).date() - timedelta(days=60)
    last = first + timedelta(days=20)
    detail = {
        "type": "account_information",
        "actions": ["list_accounts", "read_transactions"],
        "dateFrom": first.isoformat(),
        "dateTo": last.isoformat(),
    }
    got = await granted(served, phone, detail, "anna-current", scope="offline_access")
    assert got["authorization_details"] == [detail]
    assert got["scope"] == "accounts transactions offline_access"
    here = "/v1/accounts/anna-current"
    assert (await play.bank(served, f"{here}/balances", got["access_token"])).status_code == 403
    for query in ("", "?dateFrom=2020-01-01", f"?dateFrom=2020-01-01&dateTo={date.max}"):
        answer = await play.bank(served, f"{here}/transactions{query}", got["access_token"])
        listed = answer.json()["transactions"]
        assert listed["pending"] == []
        assert listed["booked"]
        days = [it["bookingDate"] for it in listed["booked"]]
        assert min(days) >= first.isoformat()
        assert max(days) <= last.isoformat()
    outside = f"{here}/transactions?dateFrom={last + timedelta(days=1)}"
    answer = await play.bank(served, outside, got["access_token"])
    assert answer.json()["transactions"]["booked"] == []
    renewed = (await play.refresh(served, got["refresh_token"])).json()
    assert renewed["authorization_details"] == [detail]


async def test_a_renewed_look_keeps_its_limits(served: Served) -> None:
    phone = await play.phone_of(served)
    detail = {"type": "account_information", "actions": ["list_accounts"], "accountsAtMost": 1}
    await granted(served, phone, detail, "anna-current", scope="offline_access")
    given = [it for it in await phone.connections() if list(it.authorization_details) == [detail]]
    (connection,) = given
    served.clock.move(60)
    renewal = await phone.renew(connection)
    assert list(renewal.consent.authorization_details) == [detail]
    after = await phone.approve_renewal(renewal)
    assert list(after.authorization_details) == [detail]


@pytest.mark.spec("RFC 9396 9.2", "introspection tells what was granted")
async def test_introspection_tells_what_was_granted(served: Served) -> None:
    got = await granted(served, await play.phone_of(served), PAYMENT, "anna-current")
    form = {"token": got["access_token"]}
    answer = await served.http.post(served.url("/introspect"), data=form, auth=served.app.basic)
    assert answer.json()["authorization_details"] == [PAYMENT]


async def test_the_metadata_names_the_types(served: Served) -> None:
    url = served.url("/.well-known/oauth-authorization-server")
    told = (await served.http.get(url)).json()
    assert told["authorization_details_types_supported"] == list(TYPES)
