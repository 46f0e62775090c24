"""The specification ledger is what code, tests and the list of requirements say."""

from __future__ import annotations

import pytest

from docs import ledger


def test_the_ledger_is_made_anew_from_code_and_tests() -> None:
    assert ledger.table() == ledger.LEDGER.read_text("utf-8"), "python docs/ledger.py writes it"


def test_every_requirement_has_its_test() -> None:
    assert ledger.untested() == []


def test_each_marker_names_a_section_of_a_specification() -> None:
    assert [where for where, _ in ledger.tests() if ledger.sections(where) != [where]] == []


def test_no_requirement_stands_twice() -> None:
    listed = [(must.where, must.says) for must in ledger.musts()]
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("(RFC 6749 4.1.3, 6; RFC 9700 4.5)", ["RFC 6749 4.1.3", "RFC 6749 6", "RFC 9700 4.5"]),
        ("RFC 7636 B", ["RFC 7636 B"]),
        ("RFC 7009 2, RFC 8705 4", ["RFC 7009 2", "RFC 8705 4"]),
        ("FAPI 2.0 Security Profile 5.3.2.1", ["FAPI 2.0 Security Profile 5.3.2.1"]),
        ("RFC 9207", []),
    ],
)
def test_sections_are_found_in_a_text(text: str, found: list[str]) -> None:
    assert ledger.sections(text) == found
