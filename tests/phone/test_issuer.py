from __future__ import annotations

import pytest

from endorse.phone import Issuer, UnsafeIssuer


@pytest.mark.parametrize(
    ("text", "url", "host"),
    [
        ("https://bank.example", "https://bank.example", "bank.example"),
        ("https://Bank.Example:443/", "https://bank.example", "bank.example"),
        ("https://bank.example:8443", "https://bank.example:8443", "bank.example"),
        ("http://localhost:8000", "http://localhost:8000", "localhost"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "127.0.0.1"),
        ("http://[::1]:8000/", "http://[::1]:8000", "::1"),
    ],
)
def test_an_issuer_is_read(text: str, url: str, host: str) -> None:
    issuer = Issuer.parse(text)
    assert (issuer.url, issuer.host) == (url, host)


@pytest.mark.parametrize(
    "text",
    [
        "http://bank.example",
        "http://10.0.0.7:8000",
        "http://localhost.evil.test",
        "http://127.0.0.1.evil.test",
        "http://localhost@evil.test",
        "https://bank.example/path",
        "https://bank.example?x=1",
        "https://bank.example#x",
        "https://user:word@bank.example",
        "https://bank.example:99999",
        "https://[::1",
        "ftp://localhost",
        "localhost:8000",
        "//localhost",
        "",
    ],
)
def test_any_other_address_is_refused(text: str) -> None:
    with pytest.raises(UnsafeIssuer) as raised:
        Issuer.parse(text)
    assert raised.value.code == "unsafe_issuer"
    assert "https" in raised.value.what_to_do


def test_an_issuer_owns_its_own_urls_only() -> None:
    issuer = Issuer.parse("https://bank.example")
    assert issuer.owns("https://bank.example/auth?x=1#y")
    assert issuer.owns("https://BANK.example:443/")
    assert not issuer.owns("https://bank.example:444/")
    assert not issuer.owns("http://bank.example/")
    assert not issuer.owns("https://bank.example.evil.test/")
    assert not issuer.owns("https://bank.example@evil.test/")
    assert not issuer.owns("app:/callback")
