"""Parameters of a query or a form, exactly as they came (RFC 6749 3.1, 3.2, appendix B)."""

from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from endorse.core import refusal
from endorse.core.policy import DOCUMENTS, Policy
from endorse.core.refusal import Refusal

_FIELDS_AT_MOST: Final = 64
_PRINTABLE: Final = bytes(it if 0x21 <= it <= 0x7E else ord("?") for it in range(256))


class Params(msgspec.Struct, frozen=True):
    """The parameters by name. One sent without a value counts as not sent (RFC 6749 3.1).

    Values are bytes: `state` must go back byte for byte, whatever its encoding.
    """

    values: dict[str, bytes]
    doubled: tuple[str, ...] = ()

    def text(self, name: str) -> str:
        """Give a value as text, "" if it did not come. Call `check` on the name first."""
        value = self.values.get(name)
        return "" if value is None else value.decode("utf-8", "replace")

    def check(self, law: Policy, spec: str, *names: str) -> Refusal | None:
        """Find what is wrong with the form of these parameters: sent twice, too long, no text."""
        for name in names:
            if name in self.doubled:
                return refusal.doubled(name, spec)
            value = self.values.get(name)
            if value is None:
                continue
            limit = law.signed_parameter if name in DOCUMENTS else law.parameter
            if len(value) > limit:
                return refusal.too_long(name, limit)
            if not _is_text(value):
                return refusal.not_text(name)
        return None

    def check_all(self, law: Policy, spec: str) -> Refusal | None:
        """Find what is wrong with the form of any parameter; unknown ones only may not double."""
        if self.doubled:
            return refusal.doubled(self.doubled[0], spec)
        return None


def parse(raw: bytes) -> Params | None:
    """Read `application/x-www-form-urlencoded` bytes; None if there are absurdly many fields.

    See also RFC 6749 B.
    """
    fields = raw.split(b"&")
    if len(fields) > _FIELDS_AT_MOST:
        return None
    values: dict[str, bytes] = {}
    seen: set[bytes] = set()
    doubled: list[str] = []
    for field in fields:
        if not field:
            continue
        sent_name, _, sent_value = field.partition(b"=")
        raw_name, value = _decoded(sent_name), _decoded(sent_value)
        name = _name(raw_name)
        if raw_name in seen:
            doubled.append(name)
        seen.add(raw_name)
        if value:
            values.setdefault(name, value)
    return Params(values, tuple(doubled))


def _decoded(sent: bytes) -> bytes:
    """Undo the form's encoding; bytes that were not encoded stay what they are."""
    if b"+" in sent:
        sent = sent.replace(b"+", b" ")
    return unquote_to_bytes(sent) if b"%" in sent else sent


def _name(raw: bytes) -> str:
    """A parameter's name for messages: printable ASCII, cut short."""
    return raw.translate(_PRINTABLE)[:64].decode("ascii")


def _is_text(value: bytes) -> bool:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    # What can be printed holds no control character; asking so is many times faster.
    return text.isprintable() or all(c >= " " and c != "\x7f" for c in text)
