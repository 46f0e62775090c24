"""Whether a text is an IBAN of a country that SEPA reaches (ISO 13616, ISO 7064 MOD 97-10)."""

import re
from typing import Final

_FORM: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,28}\Z", re.ASCII)
_LENGTHS: Final = {
    "AD": 24,
    "AL": 28,
    "AT": 20,
    "BE": 16,
    "BG": 22,
    "CH": 21,
    "CY": 28,
    "CZ": 24,
    "DE": 22,
    "DK": 18,
    "EE": 20,
    "ES": 24,
    "FI": 18,
    "FR": 27,
    "GB": 22,
    "GI": 23,
    "GR": 27,
    "HR": 21,
    "HU": 28,
    "IE": 22,
    "IS": 26,
    "IT": 27,
    "LI": 21,
    "LT": 20,
    "LU": 20,
    "LV": 21,
    "MC": 27,
    "MD": 24,
    "ME": 22,
    "MK": 19,
    "MT": 31,
    "NL": 18,
    "NO": 15,
    "PL": 28,
    "PT": 25,
    "RO": 24,
    "RS": 22,
    "SE": 24,
    "SI": 19,
    "SK": 24,
    "SM": 27,
    "VA": 22,
}
"""The length of an IBAN in each country of SEPA (European Payments Council, EPC409-09)."""


def iban_problem(iban: str) -> str:
    """Say what is wrong with an IBAN written without spaces, or ""."""
    if not _FORM.match(iban):
        return "must be two letters, two digits and the account, without spaces"
    if _LENGTHS.get(iban[:2]) != len(iban):
        return "must be of a country in SEPA, and as long as its IBANs are"
    if not 2 <= int(iban[2:4]) <= 98:
        return "has impossible check digits"
    digits = "".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])
    return "" if int(digits) % 97 == 1 else "has wrong check digits"
