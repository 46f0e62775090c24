"""The consent document is canonical JSON, whatever stands in it."""

from __future__ import annotations

from typing import Any

import msgspec
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from endorse.core import consent
from endorse.core.details import AccountInformation, Details, Iban, Money, PaymentInitiation
from endorse.core.model import SharedAccount

# A text with half a surrogate pair is no UTF-8, and no request or bank can bring one.
texts = st.text(st.characters(exclude_categories=["Cs"]))
accounts = st.builds(SharedAccount, texts, st.none() | texts, st.none() | texts, texts)
details: st.SearchStrategy[Details] = st.one_of(
    st.just(()),
    st.tuples(
        st.builds(
            AccountInformation, actions=st.tuples(texts), accounts_at_least=st.integers(0, 99)
        )
    ),
    st.tuples(
        st.builds(
            PaymentInitiation,
            instructed_amount=st.builds(Money, texts, texts),
            creditor_name=texts,
            creditor_account=st.builds(Iban, texts),
            remittance_information_unstructured=texts,
        )
    ),
)


@given(texts, st.booleans(), st.integers(0, 2**31), st.tuples(accounts, accounts), details)
def test_a_document_is_written_as_rfc_8785_has_it(
    text: str, truth: bool, number: int, shared: Any, asked: Details
) -> None:
    said = {
        "scope": [text],
        "type": "t",
        "recurring": truth,
        "revision": number,
        "client": {"verified": truth, "name": text, "client_id": text},
        "accounts": shared,
    }
    whole = {**said, "authorization_details": asked} if asked else said
    canonical = rfc8785.dumps(msgspec.to_builtins(whole)).decode()
    assert consent._written(said, asked) == canonical
