"""What Prometheus reads: numbers that move with what happens, and nothing that names anybody."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from endorse.core.refusal import CODE_NOT_GOOD
from endorse.phone import Refused
from endorse.server import metrics
from endorse.server.limit import Allowance, Limit
from endorse.server.metrics import Metrics
from endorse.server.operator import operators_app
from endorse.server.run import listen, server_for
from endorse.store.tally import Tally
from tests.flows import play
from tests.serving import Served

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).resolve().parents[2]

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Watch:
    """The operator's address of a server."""

    def __init__(self, served: Served, url: str) -> None:
        self.served = served
        self.url = url
        self.text = ""

    async def look(self) -> Samples:
        """All samples of now, by name and labels."""
        answer = await self.served.http.get(self.url + "/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        self.text = answer.text
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }


@pytest.fixture(scope="module")
async def watch(served: Served) -> AsyncIterator[Watch]:
    """The operator's address of the shared server."""
    sockets = listen(["127.0.0.1"], 0)
    server = server_for(operators_app(served.desk), None)
    running = asyncio.create_task(server.serve(sockets))
    await server.ready.wait()
    yield Watch(served, f"http://127.0.0.1:{sockets[0].getsockname()[1]}")
    server.should_exit = True
    await running


def moved(before: Samples, after: Samples, name: str, **labels: str) -> float:
    """How far a number moved between two looks."""
    key = f"endorse_{name}", frozenset(labels.items())
    return after.get(key, 0) - before.get(key, 0)


@pytest.mark.usefixtures("one_server")
async def test_a_whole_flow_moves_what_counts_it(served: Served, watch: Watch) -> None:
    phone, before = await play.phone_of(served), await watch.look()
    got = await play.tokens(served, phone)
    await play.bank(served, "/v1/accounts", got["access_token"])
    after = await watch.look()

    def by(name: str, **labels: str) -> float:
        return moved(before, after, name, **labels)

    assert by("journeys_total", state="waiting", way="", reason="") == 1
    for state in ("claimed", "matched", "review", "approved", "redirected", "redeemed"):
        assert by("journeys_total", state=state, way="qr", reason="") == 1, state
    for method, route in (("POST", "/token"), ("GET", "/resume/{short}"), ("GET", "/v1/accounts")):
        assert by("request_seconds_count", method=method, route=route) == 1, route
    assert by("requests_total", method="POST", route="/token", status="200") == 1
    assert by("requests_total", method="GET", route="/resume/{short}", status="303") == 1
    assert by("writer_batch_size_sum") >= 7
    assert by("writer_commit_seconds_count") == by("writer_batch_size_count") >= 7
    assert by("frames_total") >= 1


@pytest.mark.usefixtures("one_server")
async def test_a_refusal_a_kill_and_a_limit_are_counted_by_name(
    served: Served, watch: Watch
) -> None:
    phone, before = await play.phone_of(served, "bram"), await watch.look()
    tab = await play.begun(served)
    journey = (await play.claimed(tab, phone)).journey
    right = await play.number(served, journey)
    with pytest.raises(Refused):
        await phone.match(journey, 10 if right != 10 else 11)
    await play.redeem(served, "ec_nonsense")
    await served.http.get(served.url("/auth?client_id=nobody&redirect_uri=https://x/"))
    limit = served.desk.bad_claims
    assert not all(
        limit.take("192.0.2.1", 0) for _ in range(served.desk.law.bad_claims_a_minute + 1)
    )
    after = await watch.look()
    kill = {"state": "killed", "way": "qr", "reason": "wrong_number"}
    assert moved(before, after, "journeys_total", **kill) == 1
    for name in (CODE_NOT_GOOD.name, "number_wrong", "client_unknown"):
        assert moved(before, after, "refusals_total", refusal=name) == 1, name
    assert moved(before, after, "limited_total", limit="bad_claims") == 1


@pytest.mark.usefixtures("one_server")
async def test_each_limit_of_the_desk_is_counted(served: Served, watch: Watch) -> None:
    desk = served.desk
    limits = {name for name, part in vars(desk).items() if isinstance(part, Limit | Allowance)}
    assert set(desk.limits_hit()) == limits
    told = {dict(labels).get("limit") for _, labels in await watch.look()}
    assert limits <= told


@pytest.mark.usefixtures("one_server")
async def test_who_waits_is_seen_while_waiting(served: Served, watch: Watch) -> None:
    tab, before = await play.begun(served), await watch.look()
    async with tab.listening() as page:
        await page.frame()
        assert moved(before, await watch.look(), "waiting", who="page") == 1
    await play.until(lambda: served.desk.waiting.pages() == 0)
    assert moved(before, await watch.look(), "waiting", who="page") == 0


@pytest.mark.usefixtures("one_server")
async def test_no_label_holds_an_id_and_every_route_is_a_template(
    served: Served, watch: Watch
) -> None:
    phone = await play.phone_of(served, "fatima")
    tab = await play.approved(served, phone)
    code = play.answered(await tab.resume())["code"]
    got = (await play.redeem(served, code)).json()
    await served.http.get(served.url("/no/such/" + code))
    samples = await watch.look()
    ids = [tab.short, tab.cookie.split("=")[1], code, got["access_token"], got["refresh_token"]]
    ids += [served.app.client_id, phone.phone_id or "", "fatima", "127.0.0.1"]
    assert [it for it in ids if it in watch.text] == []
    routes = {dict(labels).get("route") for _, labels in samples} - {None}
    assert routes
    assert routes <= {path for path, _ in play.routes_of()}


@pytest.mark.usefixtures("one_server")
async def test_process_and_checks_are_told_and_strangers_get_nothing(
    served: Served, watch: Watch
) -> None:
    assert (await served.http.get(served.url("/healthz"))).status_code == 200  # and keeps it open
    samples = await watch.look()
    assert samples["process_resident_memory_bytes", frozenset()] > 1_000_000
    assert samples["endorse_ready", frozenset({("check", "store")})] == 1
    assert samples["endorse_connections", frozenset()] >= 1
    assert samples["endorse_loop_late_seconds_count", frozenset()] >= 1
    assert samples["endorse_writer_queue", frozenset()] == 0
    assert samples["endorse_expiry_lag_seconds", frozenset()] >= 0
    answer = await served.http.get(watch.url + "/readyz")
    told: Any = answer.json()
    assert (answer.status_code, told["status"], told["checks"]["store"]) == (200, "ready", "ok")
    assert (await served.http.get(served.url("/metrics"))).status_code == 404
    assert (await served.http.get(watch.url + "/token")).status_code == 404


@pytest.mark.usefixtures("one_server")
async def test_a_look_at_all_routes_lets_others_have_their_turn(
    served: Served, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand numbers in one piece would take five milliseconds."""
    desk = served.desk
    for row in desk.measures.rows.values():
        row.statuses.setdefault(200, 1)
    families = list(Metrics(desk).families())
    assert len(desk.measures.rows) > 70
    assert max(len(family.samples) for family in families) <= 200
    turns, written_in = 0, list[int]()

    def noted(registry: Collector) -> bytes:
        written_in.append(turns)
        return generate_latest(registry)

    monkeypatch.setattr(metrics, "generate_latest", noted)

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    running = asyncio.create_task(others())
    samples = await watch.look()
    running.cancel()
    assert len(set(written_in)) == len(written_in) == len(families) + 1
    told = [labels for name, labels in samples if name == "endorse_request_seconds_count"]
    assert {tuple(value for _, value in sorted(labels)) for labels in told} == set(
        desk.measures.rows
    )
    heads = [line.split()[2] for line in watch.text.splitlines() if line.startswith("# TYPE")]
    assert len(heads) == len(set(heads))


def names_of(text: str) -> set[str]:
    """The names of all numbers that may come, also of those that nothing has moved yet."""
    names = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            parts = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            names |= {name + part for part in parts}
    return names


@pytest.mark.usefixtures("one_server")
async def test_the_dashboard_and_the_guide_speak_of_numbers_that_a_server_tells(
    watch: Watch,
) -> None:
    await watch.look()
    told = names_of(watch.text)
    guide = (ROOT / "docs" / "operate.md").read_text()
    rows = re.findall(r"^\| `(endorse_\w+)` \| ([^|]*)\|", guide, re.MULTILINE)
    explained = {name for name, _ in rows}
    ours = {name for name in told if name.startswith("endorse_")}
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in ours} == explained
    board = json.loads((ROOT / "deploy" / "grafana.json").read_bytes())
    asked = [it["expr"] for panel in board["panels"] for it in panel.get("targets", ())]
    variables = board["templating"]["list"]
    asked += [it["query"]["query"] for it in variables if it["type"] == "query"]
    queries = " ".join(asked)
    assert set(re.findall(r"\b(?:endorse|process|python)_\w+", queries)) - told == set()
    labels = {it for some in re.findall(r"by \(([^)]*)\)", queries) for it in some.split(", ")}
    labels |= set(re.findall(r"(\w+)(?:=|!=|=~|!~)\"", queries))
    known = set(re.findall(r"`(\w+)`", " ".join(text for _, text in rows)))
    assert labels - known == {"job", "instance", "le"}
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids)) > 20


def test_a_tally_counts_a_value_in_the_first_bucket_that_holds_it() -> None:
    tally = Tally((1, 2))
    for value in (0.5, 1, 1.5, 2, 3):
        tally.add(value)
    assert (tally.counts, tally.total) == ([2, 2, 1], 8)
