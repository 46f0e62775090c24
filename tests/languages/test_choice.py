"""Which language a page is in: the app's wish, then the browser's, then English."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from endorse.server.language import LANGUAGES, language_of, preferred


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("nl", "nl"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("en;q=0.5, FR-ca;q=0.8", "fr"),
        ("pt-BR,pt;q=0.9,es;q=0.4", "es"),
        ("nl;q=0,de;q=0.1", "de"),
        ("nl;q=0", "en"),
        ("fr , nl", "fr"),
        ("zh-Hant-TW", "en"),
        ("*", "en"),
        ("", "en"),
        (";;q=,,=;q=9,nl;q=2,de_AT,\0", "en"),
        ("x" * 100_000, "en"),
    ],
)
def test_a_browser_gets_the_language_that_it_weighs_most(header: str, language: str) -> None:
    assert preferred(header) == language


@given(st.text(max_size=200))
def test_no_header_is_too_strange(header: str) -> None:
    assert preferred(header) in LANGUAGES


@pytest.mark.parametrize(
    ("ui_locales", "header", "language"),
    [
        (("nl-BE",), "de", "nl"),
        (("pt", "es"), "de", "es"),
        (("pt", "zh"), "de", "de"),
        (("pt",), "pt", "en"),
        ((), "fr", "fr"),
    ],
)
def test_what_the_app_asks_for_comes_first(
    ui_locales: tuple[str, ...], header: str, language: str
) -> None:
    scope = {"type": "http", "headers": [(b"accept-language", header.encode())]}
    assert language_of(scope, ui_locales) == language
