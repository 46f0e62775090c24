"""Test IBANs: correct in every check digit, of banks that do not exist."""

from functools import lru_cache

from endorse.sandbox.draw import Draw

OWN_BANK = "TEST"
OTHER_BANKS = ("DEMO", "FAKE")
BIC = "TESTNL20"
"""The 0 in the eighth place marks a test bank (ISO 9362)."""


def own(seed: str, resource_id: str) -> str:
    """The IBAN of an account at the sandbox bank."""
    return _dutch(OWN_BANK, Draw("iban", seed, resource_id))


@lru_cache(256)
def other(seed: str, name: str) -> str:
    """The IBAN of someone with an account at another invented bank."""
    draw = Draw("iban", seed, name)
    return _dutch(draw.pick(OTHER_BANKS), draw)


def _dutch(bank: str, draw: Draw) -> str:
    account = bank + _account_number(draw)
    return f"NL{_check_digits('NL', account)}{account}"


def _account_number(draw: Draw) -> str:
    """Ten digits whose weighted sum is a multiple of 11, as Dutch banks number accounts."""
    while True:
        stem = f"{draw.between(100_000_000, 999_999_999)}"
        weighted = sum(int(digit) * (10 - place) for place, digit in enumerate(stem))
        last = -weighted % 11
        if last < 10:
            return f"{stem}{last}"


def _check_digits(country: str, account: str) -> str:
    """ISO 13616: 98 minus the remainder of account, country and "00", letters as 10 to 35."""
    number = int("".join(str(int(character, 36)) for character in f"{account}{country}00"))
    return f"{98 - number % 97:02}"
