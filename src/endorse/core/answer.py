"""The way back to the client: what it is told, and how that travels (RFC 6749 4.1.2)."""

from typing import Final
from urllib.parse import quote, urlencode

import msgspec

from endorse.core.model import Trusted
from endorse.core.refusal import Refusal, page_of

FORM: Final = "form_post"
SIGNED_MODES: Final = ("jwt", "query.jwt", "form_post.jwt")
MODES: Final = ("query", FORM, *SIGNED_MODES)
"""How an answer may travel (OAuth 2.0 Form Post Response Mode 2, JARM 2.3)."""


def is_signed(mode: str) -> bool:
    """Say whether an answer in this mode is signed. `jwt` alone is `query.jwt` for a code."""
    return mode in SIGNED_MODES


def way_of(mode: str) -> str:
    """Give the way of a mode, signed or not: `query` or `form_post`."""
    return FORM if mode.startswith(FORM) else "query"


class Reply(msgspec.Struct, frozen=True):
    """An answer that goes back to the client. `refusal` is set when it carries an error.

    Only `Trusted` says where to: an open redirect does not type-check.
    """

    returns_to: Trusted
    pairs: tuple[tuple[str, bytes], ...]
    mode: str = "query"
    refusal: Refusal | None = None

    @property
    def location(self) -> str:
        """Write the answer as a redirect."""
        uri = self.returns_to.redirect_uri
        return uri + ("&" if "?" in uri else "?") + urlencode(self.pairs, quote_via=quote)


def answer(returns_to: Trusted, mode: str, issuer: str, state: bytes | None, **told: str) -> Reply:
    """Write an answer: what is told, the state as it came, and who answers (RFC 9207 2)."""
    pairs = [(name, value.encode()) for name, value in told.items()]
    if state is not None:
        pairs.append(("state", state))
    pairs.append(("iss", issuer.encode()))
    return Reply(returns_to, tuple(pairs), mode)


def error(returns_to: Trusted, mode: str, issuer: str, state: bytes | None, no: Refusal) -> Reply:
    """Write an answer that carries an error (RFC 6749 4.1.2.1)."""
    told = {"error": no.error, "error_description": no.told, "error_uri": page_of(no, issuer)}
    said = answer(returns_to, mode, issuer, state, **told)
    return msgspec.structs.replace(said, refusal=no)
