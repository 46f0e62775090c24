"""Each language says what the templates say: nothing is missing, and nothing is left over."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from endorse.server.language import ENGLISH, LANGUAGES, catalogue

SERVER = Path(__file__).resolve().parents[2] / "src" / "endorse" / "server"
JARGON = re.compile(
    r"\b(oauth|consent|scope|session|token|authori[sz]|credential|api)", re.IGNORECASE
)
TRANSLATED = [language for language in LANGUAGES if language != ENGLISH]


def written() -> set[str]:
    """The texts of the templates, in English."""
    found = extract_from_dir(
        SERVER / "pages", [("**.html", "jinja2")], {"**.html": {"silent": "false"}}
    )
    return {text for _, _, text, _, _ in found if isinstance(text, str)}


def translations(language: str) -> dict[str, str]:
    """What a language says for each English text."""
    with (SERVER / "languages" / f"{language}.po").open("rb") as file:
        texts: Catalog = read_po(file, locale=language, abort_invalid=True)
    assert not texts.obsolete
    assert not any(message.fuzzy for message in texts if message.id)
    return {str(message.id): str(message.string) for message in texts if message.id}


def names(text: str) -> list[str]:
    """The values that are put in, and the tags; each must be there as often."""
    return sorted(re.findall(r"%\(\w+\)s|%.|</?\w[^>]*>", text))


def sentences(text: str) -> list[str]:
    """Its sentences, without tags."""
    return re.split(r"[.?!](?:\s|$)", re.sub(r"<[^>]*>", "", text))


def test_every_language_has_its_file_and_every_file_its_language() -> None:
    assert sorted(path.stem for path in (SERVER / "languages").glob("*.po")) == sorted(TRANSLATED)


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_text_is_missing_and_none_is_left_over(language: str) -> None:
    texts = translations(language)
    assert set(texts) == written()
    assert [english for english, text in texts.items() if not text.strip()] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_is_put_in_and_each_tag_stand_in_every_language(language: str) -> None:
    wrong = [
        text for english, text in translations(language).items() if names(text) != names(english)
    ]
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_plain_words_in_printed_quotes(language: str) -> None:
    texts = written() if language == ENGLISH else set(translations(language).values())
    for text in texts:
        bare = re.sub(r"<[^>]*>|%\(\w+\)s", "", text)
        assert not re.search(r"""["'<>&]""", bare), text
        assert not JARGON.search(bare), text
        assert all(len(sentence.split()) < 15 for sentence in sentences(text)), text


def test_in_french_a_mark_of_two_parts_follows_a_space_that_does_not_break() -> None:
    texts = translations("fr").values()
    assert [text for text in texts if re.search("[^\u00a0][?!;:]", text)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_page_says_to_tap_is_what_the_phone_calls_it(language: str) -> None:
    texts = written() if language == ENGLISH else set(translations(language).values())
    named = {name for text in texts for name in re.findall(r"<b>(.+?)</b>", text)}
    phone = (SERVER.parents[2] / "web" / "phone" / "texts" / f"{language}.ts").read_text()
    assert len(named) >= 2
    assert [name for name in named if f'"{name}' not in phone] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_the_server_reads_is_what_is_written(language: str) -> None:
    built = catalogue(language)
    assert {text: built.gettext(text) for text in written()} == translations(language)


@pytest.mark.parametrize(
    "template", sorted((SERVER / "pages").glob("*.html")), ids=lambda it: it.name
)
def test_no_template_speaks_for_itself(template: Path) -> None:
    if template.name in ("problem.html", "refusal.html", "refusals.html"):
        pytest.skip("for developers, in English")
    source = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", "", template.read_text(), flags=re.DOTALL)
    shown = re.sub(r"<[^>]*>", " ", source)
    assert re.findall(r"[A-Za-z]{2,}", shown) == []
    spoken = re.findall(r'(?:aria-label|alt|title|placeholder|data-say\w*)="([^"]*)"', source)
    assert [text for text in spoken if re.search("[A-Za-z]", text)] == []
