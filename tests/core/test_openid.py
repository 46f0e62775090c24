"""Who approved: the number that stands for a person at one client, and what is said of it."""

import pytest

from endorse.core import openid

KEY = b"k" * 32


@pytest.mark.spec(
    "OpenID Connect Core 8.1", "Another client gets another sub, the same client the same again"
)
def test_a_person_is_the_same_at_one_client_and_another_at_each_other() -> None:
    first = openid.subject(KEY, "app", "anna")
    assert first == openid.subject(KEY, "app", "anna")
    assert (
        len({first, openid.subject(KEY, "other", "anna"), openid.subject(KEY, "app", "bob")}) == 3
    )


@pytest.mark.spec("OpenID Connect Core 8.1", "A sub cannot be turned back without the server's key")
def test_the_number_of_a_person_hangs_on_the_servers_key_and_on_where_each_name_ends() -> None:
    assert openid.subject(KEY, "app", "anna") != openid.subject(b"K" * 32, "app", "anna")
    assert openid.subject(KEY, "app", "anna") != openid.subject(KEY, "appa", "nna")


@pytest.mark.spec(
    "OpenID Connect Core 2",
    "A sub is never given to another person, and is at most 255 ASCII characters",
)
def test_the_number_of_a_person_names_nobody_and_fits_where_it_must() -> None:
    text = openid.subject(KEY, "app", "anna")
    assert "anna" not in text
    assert text.isascii()
    assert len(text) == 43
