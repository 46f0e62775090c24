"""A bank's account names reach the consent document without anything that could deceive."""

from __future__ import annotations

import pytest

from endorse.bank import Account
from endorse.server.phone_answers import shared


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("Current", "Current"),
        ("Sav\u202egni", "Savgni"),
        ("e\u0301pargne\n", "épargne"),
        ("\u200b\u202e", None),
        (None, None),
    ],
)
def test_a_name_is_composed_and_holds_no_control_or_direction_character(
    name: str | None, right: str | None
) -> None:
    account = Account(resource_id="a", iban="NL91ABNA0417164300", currency="EUR", name=name)
    assert shared(account).name == right
