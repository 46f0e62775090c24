"""The HTML that people and developers read, from templates, under a strict content policy."""

import re
import secrets
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from types import CodeType
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined
from jinja2.bccache import Bucket
from markupsafe import escape
from starlette.responses import Response

from endorse.server.language import ENGLISH, LANGUAGES, catalogue
from endorse.server.settings import Settings

STATIC: Final = Path(str(resources.files("endorse.server") / "static"))

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{logo}; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_PHONE_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' data: blob:{logo}; connect-src 'self'; media-src 'self' blob:; "
    "worker-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
_HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": with that a form of our own page would come with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_KEPT: Final = 256
_PLAIN_HOST: Final = re.compile(r"[A-Za-z0-9.-]+(:[0-9]+)?\Z|\[[0-9A-Fa-f:]+\](:[0-9]+)?\Z")


class Pages:
    """Renders the templates of one server."""

    def __init__(self, settings: Settings, scripted: bool = True) -> None:
        """Load templates and the list of built files; raises FileNotFoundError before a build.

        Unless `scripted`, the page on which a browser waits has no script and goes on by itself.
        """
        manifest = STATIC / "manifest.json"
        if not manifest.exists():
            raise FileNotFoundError("The pages' files are not built: run `make setup`.")
        self._assets = msgspec.json.decode(manifest.read_bytes(), type=dict[str, str])
        compiled = _Compiled()
        self._templates = {language: _templates(language, compiled) for language in LANGUAGES}
        # Stands in a kept page where something of each request goes; nobody else can write it.
        self._mark = secrets.token_hex(16)
        self._kept = lru_cache(_KEPT)(self._in_pieces)
        self._headers = cache(self._headers_of)
        self.brand = settings.brand
        logo = settings.brand.logo_url
        origin = " " + "/".join(logo.split("/")[:3]) if logo else ""
        self._policy = _POLICY.format(logo=origin)
        self._phone_policy = _PHONE_POLICY.format(logo=origin)
        self._everywhere = {
            "brand": settings.brand,
            "issuer": settings.issuer,
            "issuer_host": settings.issuer_host,
            "sandbox": settings.sandbox,
            "scripted": scripted,
            "asset": self.asset,
            # Each language has its own word for "app", and its own place for it.
            "app": settings.brand.app_name.removesuffix(" app"),
        }

    def asset(self, name: str) -> str:
        """Give the address of a built file by its plain name."""
        return f"/static/{self._assets[name]}"

    def page(self, name: str, language: str, status: int = 200, **facts: Any) -> Response:
        """Render a page. No page may be kept, framed, or run a script that is not ours.

        See also RFC 6749 3.1.2.5, 10.13; RFC 9700 4.2.4, 4.16.
        """
        return self._answer(name, language, status, self._render(name, language, facts))

    def developers_page(self, name: str, status: int, **facts: Any) -> Response:
        """Render a page for developers, whose words are the standards': always in English."""
        return self.page(name, ENGLISH, status, **facts)

    def form_page(
        self, language: str, action: str, name: str, fields: Sequence[tuple[str, str]]
    ) -> Response:
        """Render the form that takes an answer to `action`, and lets forms go nowhere else.

        Chromium holds what the client's page then redirects to to the same rule.
        """
        facts = {"action": action, "name": name, "fields": fields}
        answer = self._answer(
            "form_post.html", language, 200, self._render("form_post.html", language, facts)
        )
        policy = self._policy.replace("form-action 'self'", f"form-action {origin_of(action)}")
        answer.headers["Content-Security-Policy"] = policy
        # With "same-origin" the client would see `Origin: null`, and take it for a forgery.
        answer.headers["Referrer-Policy"] = "strict-origin"
        return answer

    def kept_page(
        self, name: str, language: str, each: Mapping[str, str], **facts: Any
    ) -> Response:
        """Render a page once for equal (hashable) facts, and put `each` into it every time."""
        pieces = self._kept(name, language, tuple(each), tuple(facts.items()))
        put = {fact: escape(value).encode() for fact, value in each.items()}
        whole = b"".join(put[it] if isinstance(it, str) else it for it in pieces)
        return self._answer(name, language, 200, whole)

    def _in_pieces(
        self, name: str, language: str, each: tuple[str, ...], facts: tuple[tuple[str, Any], ...]
    ) -> tuple[bytes | str, ...]:
        """Render a page up to what differs: bytes, and between them names of `each`."""
        marks = {fact: f"{self._mark}-{fact}-" for fact in each}
        html = self._render(name, language, {**dict(facts), **marks})
        pieces = re.split(f"{self._mark}-({'|'.join(each)})-", html)
        return tuple(it if at % 2 else it.encode() for at, it in enumerate(pieces))

    def _render(self, name: str, language: str, facts: Mapping[str, Any]) -> str:
        template = self._templates[language].get_template(name)
        return template.render({**self._everywhere, "lang": language, **facts})

    def _answer(self, name: str, language: str, status: int, html: str | bytes) -> Response:
        answer = Response(html, status)
        answer.raw_headers += self._headers(language, name == "phone.html")
        return answer

    def _headers_of(self, language: str, phone: bool) -> list[tuple[bytes, bytes]]:
        policy = self._phone_policy if phone else self._policy
        headers = {**_HEADERS, "Content-Language": language, "Content-Security-Policy": policy}
        return [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    def built(self, name: str) -> bytes:
        """Give the bytes of a built file by its plain name."""
        return (STATIC / self._assets[name]).read_bytes()


def origin_of(uri: str) -> str:
    """Give an address as a source of a content policy: its scheme and host, or its scheme alone.

    What is no plain host could end the directive, and begin another.
    """
    parts = urlsplit(uri)
    plain = _PLAIN_HOST.match(parts.netloc)
    return f"{parts.scheme}://{parts.netloc}" if plain else f"{parts.scheme}:"


class _Compiled(BytecodeCache):
    """Compiles a template once for all languages: its texts are looked up when it is rendered."""

    def __init__(self) -> None:
        self._code: dict[str, CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get(bucket.key)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._code[bucket.key] = bucket.code


def _templates(language: str, compiled: BytecodeCache) -> Environment:
    """Give the templates with the texts of one language."""
    templates = Environment(
        loader=PackageLoader("endorse.server", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        bytecode_cache=compiled,
    )
    # The extension adds this method, which types cannot tell. In the new style a text counts as
    # HTML of ours and what is put into it is escaped.
    install = templates.install_gettext_translations  # type: ignore[attr-defined]
    install(catalogue(language), newstyle=True)
    return templates
