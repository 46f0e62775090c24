"""The consent document is canonical JSON, whatever stands in it."""

from __future__ import annotations

import msgspec
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from endorse.core import consent
from endorse.core.details import AccountInformation, Details, Iban, Money, PaymentInitiation
from endorse.core.model import SharedAccount

# A text with half a surrogate pair is no UTF-8, and no request or bank can bring one.
texts = st.text(st.characters(exclude_categories=["Cs"]))


def asked_with(shape: int, one: str, other: str, number: int) -> Details:
    """Nothing, a look at accounts or a payment, whose texts are these."""
    if shape == 0:
        return ()
    if shape == 1:
        return (AccountInformation(actions=(one,), accounts_at_least=number % 100),)
    payment = PaymentInitiation(
        instructed_amount=Money(one, other),
        creditor_name=other,
        creditor_account=Iban(other),
        remittance_information_unstructured=one,
    )
    return (payment,)


@given(texts, texts, st.booleans(), st.integers(0, 2**31), st.integers(0, 2))
def test_a_document_is_written_as_rfc_8785_has_it(
    one: str, other: str, truth: bool, number: int, shape: int
) -> None:
    asked = asked_with(shape, one, other, number)
    said = {
        "scope": [one],
        "type": "t",
        "recurring": truth,
        "revision": number,
        "client": {"verified": truth, "name": other, "client_id": one},
        "accounts": (
            SharedAccount(one, other, None, other),
            SharedAccount(other, None, one, one),
        ),
    }
    whole = {**said, "authorization_details": asked} if asked else said
    canonical = rfc8785.dumps(msgspec.to_builtins(whole)).decode()
    assert consent._written(said, asked) == canonical
