from __future__ import annotations

import pytest

from endorse.phone import NotUnderstood
from endorse.phone.page import sealed_request, words_of
from tests.phone.scripted import PAGE


def test_the_sealed_request_is_found_among_other_forms_and_script() -> None:
    assert sealed_request(PAGE) == "seal+ed/&="


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<form action='/auth/start' method='post'></form><input name=request value=late>",
        "<form action='/auth/start'><input name=request value=x></form>",
        "<form action='https://evil.test/auth/start' method=post><input name=request value=x>",
        "<form action='/auth/start' method=post><input name=request value=''></form>",
        "<form action='/auth/start' method=post>" + "<input name=request value=x>" * 2,
        "<!-- <form action='/auth/start' method=post><input name=request value=x></form> -->",
    ],
)
def test_a_page_without_one_start_form_is_refused(html: str) -> None:
    with pytest.raises(NotUnderstood):
        sealed_request(html)


def test_the_refusal_repeats_what_the_page_says() -> None:
    html = "<title>T</title><style>p{}</style><h1>Not  registered</h1><p>a &amp; b</p>"
    with pytest.raises(NotUnderstood, match="It says: Not registered a & b"):
        sealed_request(html)
    assert words_of("<p>" + "word " * 400).endswith("...")
