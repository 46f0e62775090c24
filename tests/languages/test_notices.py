"""The phone has a sentence for all that it can be told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from endorse.core.notice import By, Kind

ENGLISH = Path(__file__).resolve().parents[2] / "web" / "phone" / "texts" / "en.ts"
KEYS = set(re.findall(r'^  "(notice\.[a-z_.]+)":', ENGLISH.read_text(), re.MULTILINE))


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_notice_has_a_text(kind: Kind) -> None:
    assert f"notice.{kind.value}" in KEYS


@pytest.mark.parametrize("by", [by for by in By if by is not By.PHONE])
def test_who_ended_a_connection_is_said_in_a_text_of_its_own(by: By) -> None:
    assert f"notice.connection_ended.{by.value}" in KEYS


def test_no_text_is_about_a_kind_that_there_is_not() -> None:
    known = {f"notice.{kind.value}" for kind in Kind} | {"notice.app", "notice.unknown"}
    assert {".".join(key.split(".")[:2]) for key in KEYS} == known
