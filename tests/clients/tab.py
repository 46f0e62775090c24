"""A tab of a browser without scripts: follows links home, presses buttons, keeps cookies."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx2

_MOST_REDIRECTS = 5


@dataclass
class Form:
    """A form with one button."""

    method: str
    action: str
    button: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.words: list[str] = []
        self._in_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.forms.append(Form(given.get("method") or "get", given.get("action") or ""))
        self._in_button = tag == "button"

    def handle_data(self, data: str) -> None:
        self.words.extend(data.split())
        if self._in_button:
            self.forms[-1].button += data.strip()

    def handle_endtag(self, tag: str) -> None:
        self._in_button = self._in_button and tag != "button"


class Tab:
    """A tab at one site. `left` is where the last click led, if that was another site."""

    def __init__(self, http: httpx2.AsyncClient, site: str) -> None:
        self.http = http
        self.site = site
        self.status = 0
        self.text = ""
        self.left: str | None = None
        self._url = site
        self._forms: list[Form] = []

    async def open(self, url: str) -> None:
        """Go to a URL (or a path of the site), as after a click on a link."""
        await self._go("GET", urljoin(self.site, url), {})

    async def press(self, button: str) -> None:
        """Submit the form of the page that has this button."""
        (form,) = [form for form in self._forms if form.button == button]
        headers = {"Origin": self.site, "Sec-Fetch-Site": "same-origin"}
        await self._go(form.method.upper(), urljoin(self._url, form.action), headers)

    async def _go(self, method: str, url: str, headers: dict[str, str]) -> None:
        self.left = None
        for _ in range(_MOST_REDIRECTS):
            if not _same_site(url, self.site):
                self.left = url
                return
            answer = await self.http.request(method, url, headers=headers)
            if not answer.has_redirect_location:
                self._show(answer)
                return
            method, headers = "GET", {}
            url = urljoin(url, answer.headers["Location"])
        raise AssertionError(f"{url} redirects more than {_MOST_REDIRECTS} times.")

    def _show(self, answer: httpx2.Response) -> None:
        assert answer.headers["content-type"].startswith("text/html"), answer.text
        reader = _Reader()
        reader.feed(answer.text)
        self.status, self._url = answer.status_code, str(answer.url)
        self.text, self._forms = " ".join(reader.words), reader.forms


def _same_site(url: str, site: str) -> bool:
    return urlsplit(url)[:2] == urlsplit(site)[:2]
