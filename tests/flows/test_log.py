"""The log's fields: one flow from the first request to the tokens, one id for each request."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from endorse.phone import Refused
from endorse.server.logbook import JsonFormat, TextFormat
from tests.flows import play
from tests.flows.play import QUICK, quiet_client
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio

Lines = list[dict[str, Any]]


class Kept(logging.Handler):
    """Keeps each line as it would be written, of both kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Lines = []
        self.texts: list[str] = []
        self._json, self._text = JsonFormat(), TextFormat()

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(msgspec.json.decode(self._json.format(record)))
        self.texts.append(self._text.format(record))

    def of(self, **fields: str) -> Lines:
        """The lines that hold these fields."""
        return [line for line in self.lines if fields.items() <= line.items()]


@pytest.fixture
def log() -> Iterator[Kept]:
    """What the server writes from now on."""
    logger, kept = logging.getLogger("endorse"), Kept()
    before = logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.INFO)
    yield kept
    logger.setLevel(before)
    logger.removeHandler(kept)


async def pushed(served: Served) -> str:
    """The request_uri of a request that the app pushed."""
    form = {"response_type": "code", "redirect_uri": served.app.redirect_uri, "scope": "accounts"}
    answer = await served.http.post(served.url("/par"), data=form, auth=served.app.basic)
    assert answer.status_code == 201, answer.text
    uri: str = answer.json()["request_uri"]
    return uri


WAY = ["waiting", "claimed", "matched", "review", "approved", "redirected", "redeemed"]


@pytest.mark.parametrize("by", ["address", "push"])
async def test_one_flow_goes_from_the_first_request_to_the_grant(
    served: Served, log: Kept, by: str
) -> None:
    phone = await play.phone_of(served)
    if by == "push":
        code = await play.code_for(
            served,
            phone,
            request_uri=await pushed(served),
            response_type=None,
            redirect_uri=None,
            state=None,
            scope=None,
        )
    else:
        code = await play.code_for(served, phone)
    await play.redeem(served, code)
    (ended,) = log.of(state="redeemed")
    mine = log.of(flow=ended["flow"])
    assert [line["state"] for line in mine if "state" in line] == WAY
    words = [line["message"].split(": ")[-1] for line in mine if "state" not in line]
    first = [f"a request of client {served.app.client_id} is kept"] if by == "push" else []
    assert words == [*first, "the page is shown"]
    assert {line["client"] for line in mine} == {served.app.client_id}
    assert len({line["request"] for line in mine}) == len(mine)
    assert ended["grant"]


async def test_two_requests_of_one_app_are_two_flows(served: Served, log: Kept) -> None:
    for _ in range(2):
        await play.begun(served)
    assert len({line["flow"] for line in log.of(state="waiting")}) == 2


async def test_a_refusal_within_a_flow_names_it(served: Served, log: Kept) -> None:
    phone, tab = await play.phone_of(served, "bram"), await play.begun(served)
    flow = log.of(state="waiting")[0]["flow"]
    journey = (await play.claimed(tab, phone)).journey
    right = await play.number(served, journey)
    with pytest.raises(Refused):
        await phone.match(journey, 10 if right != 10 else 11)
    (no,) = log.of(refusal="number_wrong")
    (killed,) = log.of(state="killed", reason="wrong_number")
    assert no["flow"] == killed["flow"] == flow
    assert no["request"] == killed["request"]
    code = await play.code_for(served, await play.phone_of(served))
    await play.redeem(served, code)
    await play.redeem(served, code)
    (replayed,) = log.of(refusal="code_not_good")
    assert replayed["flow"] == log.of(state="redeemed")[0]["flow"] != flow
    assert replayed["status"] == 400
    text = next(it for it in log.texts if "refused code_not_good" in it)
    assert text.endswith(f" flow={replayed['flow']} request={replayed['request']}")


@pytest.fixture
async def proxied(tmp_path: Path) -> AsyncIterator[Served]:
    """A server that trusts a proxy on this machine."""
    url = f"sqlite:///{tmp_path / 'proxied.sqlite3'}"
    proxies = ("::1", "127.0.0.1")
    async with serving(url, QUICK, trusted_proxies=proxies) as it, quiet_client() as it.http:
        yield it


async def refused_as(served: Served, log: Kept, *said: str) -> str:
    """The id that the line of a refused request has, which was sent with these."""
    headers = [("X-Request-Id", one) for one in said]
    await served.http.post(served.url("/token"), headers=headers)
    name: str = log.lines[-1]["request"]
    return name


async def test_a_trusted_proxy_names_requests_and_nobody_else_does(
    served: Served, proxied: Served, log: Kept
) -> None:
    assert await refused_as(proxied, log, "0af7651916cd43dd8448eb21") == "0af7651916cd43dd8448eb21"
    made = [
        await refused_as(served, log, "0af7651916cd43dd8448eb21"),
        await refused_as(proxied, log, "with a space in it"),
        await refused_as(proxied, log, "short"),
        await refused_as(proxied, log, "a" * 65),
        await refused_as(proxied, log, "two-of-them", "two-of-them"),
        await refused_as(proxied, log),
    ]
    assert {len(name) for name in made} == {12}
    assert len(set(made)) == len(made)
    assert {line["status"] for line in log.lines} == {400}


async def test_outside_of_a_request_a_line_stands_alone(log: Kept) -> None:
    logging.getLogger("endorse").info("a line of %d words", 5)
    assert set(log.lines[0]) == {"at", "level", "message"}
    assert log.lines[0]["at"].endswith("Z")
    assert log.texts[0].endswith("INFO a line of 5 words")


async def test_what_failed_is_a_field_of_its_line(log: Kept) -> None:
    try:
        raise RuntimeError("at\nnight")
    except RuntimeError:
        logging.getLogger("endorse").exception("bug")
    assert "RuntimeError: at\nnight" in log.lines[0]["exception"]
