"""The phone has words of its own for each name that the server may tell it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from endorse.risk import Reason

ROOT = Path(__file__).resolve().parents[2]
PHONE = ROOT / "web" / "phone"
# That the other languages have the same keys, and no empty text, is `texts.test.ts`'s to check.
KEYS = set(re.findall(r'^  "?([\w.-]+)"?:', (PHONE / "texts" / "en.ts").read_text(), re.MULTILINE))

# Told to the phone that itself said it: it has its own screen for that.
OWN_DOING = {"not_started_here"}


def kill_reasons() -> set[str]:
    """Why a journey may end, as the core writes it."""
    core = (ROOT / "src" / "endorse" / "core").glob("*.py")
    return {why for file in core for why in re.findall(r'\breason="(\w+)"', file.read_text())}


@pytest.mark.parametrize("reason", get_args(Reason))
def test_each_reason_of_a_risk_verdict_has_a_sentence(reason: str) -> None:
    assert f"risk.{reason}" in KEYS


def test_no_sentence_is_for_a_reason_that_no_verdict_has() -> None:
    assert {key for key in KEYS if key.startswith("risk.")} == {
        f"risk.{reason}" for reason in get_args(Reason)
    }


@pytest.mark.parametrize("reason", sorted(kill_reasons() - OWN_DOING))
def test_each_reason_why_a_request_was_stopped_has_a_screen(reason: str) -> None:
    assert {f"ended.{reason}.title", f"ended.{reason}.text"} <= KEYS
    assert f'"{reason}"' in (PHONE / "screens" / "stage.ts").read_text()
