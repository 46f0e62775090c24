"""The bank's API for the one payment that a person approved, in the Berlin Group's words (PIS).

The token's `authorization_details` are the payment: the body must say the same, and the bank makes
it once. A repeated call answers the same payment, so that a lost answer is no lost payment.
"""

from typing import Any, Final

import msgspec
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from endorse.bank import CreditTransfer, PayingBank, UnknownPayment
from endorse.core.coding import b64url, mac
from endorse.core.details import Iban, Money, PaymentInitiation, payment_of
from endorse.core.model import Access
from endorse.core.refusal import Refusal
from endorse.server import wire
from endorse.server.bank import opened_for, refused
from endorse.server.desk import Desk

_HERE: Final = "/v1/payments/sepa-credit-transfers"
_OTHER_PAYMENT: Final = Refusal(
    "payment_differs",
    "PAYMENT_FAILED",
    403,
    "This is not the payment that the person approved: send exactly what stands in the "
    "authorization_details of the token.",
    "RTS 2018/389 5",
)
_NO_PAYMENT: Final = Refusal(
    "payment_not_approved",
    "CONSENT_INVALID",
    403,
    "The access token is for no payment.",
    "RFC 9396 9",
)
_UNKNOWN: Final = Refusal(
    "payment_unknown", "RESOURCE_UNKNOWN", 404, "There is no such payment.", "NextGenPSD2 14.11"
)


class Payment(
    msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, omit_defaults=True
):
    """A SEPA credit transfer as a client orders it (NextGenPSD2 11.1)."""

    instructed_amount: Money
    creditor_name: str
    creditor_account: Iban
    remittance_information_unstructured: str = ""
    debtor_account: Iban | None = None


async def pay(desk: Desk, request: HttpRequest) -> Response:
    """Answer `POST /v1/payments/sepa-credit-transfers`: make the approved payment, once."""
    entered = await _entered(desk, request)
    if isinstance(entered, Refusal):
        return refused(desk, request, entered)
    opened, approved, bank = entered
    raw = await wire.body(request, desk.law.body)
    asked = raw if isinstance(raw, Refusal) else wire.decode(raw, Payment)
    if isinstance(asked, Refusal):
        return refused(desk, request, asked)
    if not _is(asked, approved):
        return refused(desk, request, _OTHER_PAYMENT)
    payment_id = _id_of(desk, opened)
    money = approved.instructed_amount
    status = await bank.pay(
        opened.person_id,
        CreditTransfer(
            payment_id=payment_id,
            account_id=opened.account_ids[0],
            currency=money.currency,
            amount=money.amount,
            creditor_name=approved.creditor_name,
            creditor_iban=approved.creditor_account.iban,
            remittance_information_unstructured=approved.remittance_information_unstructured,
        ),
    )
    here = f"{_HERE}/{payment_id}"
    links = {"self": {"href": here}, "status": {"href": f"{here}/status"}}
    body = {"transactionStatus": status, "paymentId": payment_id, "_links": links}
    return wire.json(body, 201, {"Location": here})


async def payment(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /v1/payments/sepa-credit-transfers/{id}`: what was ordered, and its status."""
    found = await _found(desk, request)
    if isinstance(found, Refusal):
        return refused(desk, request, found)
    status, approved = found
    said: dict[str, Any] = msgspec.to_builtins(approved)
    said = {name: value for name, value in said.items() if name not in ("type", "locations")}
    return wire.json({**said, "transactionStatus": status})


async def status(desk: Desk, request: HttpRequest) -> Response:
    """Answer `GET /v1/payments/sepa-credit-transfers/{id}/status`."""
    found = await _found(desk, request)
    return (
        refused(desk, request, found)
        if isinstance(found, Refusal)
        else wire.json({"transactionStatus": found[0]})
    )


async def _entered(
    desk: Desk, request: HttpRequest
) -> tuple[Access, PaymentInitiation, PayingBank] | Refusal:
    """Find which payment a token is for, and the bank that can make it."""
    opened = await opened_for(desk, request)
    if isinstance(opened, Refusal):
        return opened
    approved = payment_of(opened.authorization_details)
    if approved is None or not isinstance(desk.bank, PayingBank):
        return _NO_PAYMENT
    return opened, approved, desk.bank


async def _found(desk: Desk, request: HttpRequest) -> tuple[str, PaymentInitiation] | Refusal:
    entered = await _entered(desk, request)
    if isinstance(entered, Refusal):
        return entered
    opened, approved, bank = entered
    payment_id = _id_of(desk, opened)
    if request.path_params["payment_id"] != payment_id:
        return _UNKNOWN
    try:
        return await bank.payment_status(payment_id), approved
    except UnknownPayment:
        return _UNKNOWN


def _is(asked: Payment, approved: PaymentInitiation) -> bool:
    """Say whether an order is the approved payment, to the letter."""
    names = [it for it in Payment.__struct_fields__ if it != "debtor_account"]
    same = all(getattr(asked, name) == getattr(approved, name) for name in names)
    return same and asked.debtor_account in (None, approved.debtor_account)


def _id_of(desk: Desk, opened: Access) -> str:
    """Name the payment of a grant: one grant, one payment, however often it is ordered."""
    return b64url(mac(desk.keys.handles, b"payment", opened.grant_id.encode())[:24])
