"""Reading the authorization page: the sealed request in its form, or what it says instead."""

from __future__ import annotations

from html.parser import HTMLParser

from endorse.phone.errors import NotUnderstood

_START = "/auth/start"
_SILENT = {"script", "style", "template", "title"}
_LONGEST = 600


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.requests: list[str] = []
        self.words: list[str] = []
        self._in_form = False
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _SILENT:
            self._silent += 1
        elif tag == "form":
            post = (given.get("method") or "get").lower() == "post"
            self._in_form = post and given.get("action") == _START
        elif tag == "input" and self._in_form and given.get("name") == "request":
            self.requests.append(given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        elif tag == "form":
            self._in_form = False

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words += data.split()


def sealed_request(html: str) -> str:
    """The sealed request of the page's start form. Raises `NotUnderstood` with the page's words."""
    page = _parse(html)
    if len(page.requests) != 1 or not page.requests[0]:
        raise NotUnderstood(
            f"The page has no form to start with. It says: {_short(page)}",
            what_to_do="Read what the page says, and check the authorization URL.",
        )
    return page.requests[0]


def words_of(html: str) -> str:
    """What a page says, in one line."""
    return _short(_parse(html))


def _parse(html: str) -> _Page:
    page = _Page()
    page.feed(html)
    page.close()
    return page


def _short(page: _Page) -> str:
    words = " ".join(page.words)
    return words if len(words) <= _LONGEST else words[:_LONGEST] + " ..."
