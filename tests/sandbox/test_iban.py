import re
from datetime import date

from tests.sandbox.asking import all_accounts, history, sandbox


def remainder(iban: str) -> int:
    """ISO 7064 mod 97-10, digit by digit, as one would do it on paper."""
    rest = 0
    for character in iban[4:] + iban[:4]:
        value = ord(character) - (48 if character.isdigit() else 55)
        rest = (rest * (100 if value > 9 else 10) + value) % 97
    return rest


def test_the_check_itself_knows_right_from_wrong() -> None:
    assert remainder("GB82WEST12345698765432") == 1
    assert remainder("GB82WEST12345698765423") != 1


def test_account_numbers_are_valid_and_of_the_test_bank() -> None:
    ibans = [account.iban or "" for account in all_accounts(sandbox())]
    assert len(set(ibans)) == len(ibans)
    for iban in ibans:
        assert re.fullmatch(r"NL\d\dTEST\d{10}", iban)
        assert remainder(iban) == 1
        assert sum(int(digit) * (10 - place) for place, digit in enumerate(iban[8:])) % 11 == 0


def test_account_numbers_of_others_are_valid_and_of_banks_that_do_not_exist() -> None:
    bank = sandbox()
    seen = set()
    for account in all_accounts(bank):
        for entry in history(bank, account.resource_id, date(2026, 6, 1)).booked:
            for side in (entry.creditor_account, entry.debtor_account):
                if side and side.iban:
                    seen.add(side.iban)
    assert len(seen) > 20
    for iban in seen:
        assert remainder(iban) == 1
        assert iban[4:8] in {"TEST", "DEMO", "FAKE"}


def test_the_bank_code_is_that_of_a_test_bank() -> None:
    bics = {account.bic for account in all_accounts(sandbox())}
    assert bics == {"TESTNL20"}
    assert all(
        bic and re.fullmatch(r"[A-Z]{6}[A-Z2-9][A-NP-Z0-9]([A-Z0-9]{3})?", bic) for bic in bics
    )
