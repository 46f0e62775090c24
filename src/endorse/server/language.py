"""Which language a page is written in."""

import gettext
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import resources
from typing import Final

from starlette.types import Scope

ENGLISH: Final = "en"
"""The language that the pages' texts are written in: it needs no catalogue."""
LANGUAGES: Final = (ENGLISH, "nl", "de", "fr", "es")
"""Every language that people can read the pages in, by its ISO 639 code."""

_READ: Final = 512  # characters of an Accept-Language header; no browser sends as many
_WEIGHED: Final = re.compile(
    r"([A-Za-z]{1,8})(?:-[A-Za-z0-9-]*)?(?:\s*;\s*q=([01](?:\.\d{0,3})?))?"
)


def language_of(scope: Scope, ui_locales: Iterable[str] = ()) -> str:
    """Choose the language of a page: what the app asked for, else what the browser prefers.

    `ui_locales` are the language tags of the authorization request, the best first (OpenID Connect
    Core 3.1.2.1). What is not known is passed over, what is malformed ignored; English is last.
    """
    asked = _first_known(tag.partition("-")[0].lower() for tag in ui_locales)
    if asked:
        return asked
    said = next((value for name, value in scope["headers"] if name == b"accept-language"), b"")
    return preferred(said[:_READ].decode("latin-1"))


@lru_cache(1024)
def preferred(header: str) -> str:
    """Give the language that an Accept-Language header prefers (RFC 9110 12.5.4), else English."""
    ranges = sorted(_weighed(header), key=lambda pair: -pair[1])  # equal weights keep their order
    return _first_known(code for code, weight in ranges if weight > 0) or ENGLISH


def catalogue(language: str) -> gettext.NullTranslations:
    """Read the texts of one of LANGUAGES. Raises FileNotFoundError before a build."""
    if language == ENGLISH:
        return gettext.NullTranslations()
    compiled = resources.files("endorse.server") / "languages" / f"{language}.mo"
    with compiled.open("rb") as file:
        return gettext.GNUTranslations(file)


def _weighed(header: str) -> Iterator[tuple[str, float]]:
    for part in header.split(","):
        found = _WEIGHED.fullmatch(part.strip())
        if found:
            yield found[1].lower(), float(found[2] or 1)


def _first_known(codes: Iterable[str]) -> str | None:
    return next((code for code in codes if code in LANGUAGES), None)
