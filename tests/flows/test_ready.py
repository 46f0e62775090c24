"""Whether the process lives, whether it should be sent requests, and how it stops."""

from __future__ import annotations

import asyncio
import signal
import socket
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from endorse.server import ready
from endorse.server.desk import Desk
from endorse.server.ready import Check
from endorse.store.connection import StoreAway
from tests.flows.commands import ISSUER, BehindProxy, free_port, good_settings, serve
from tests.flows.listening import PATIENCE
from tests.flows.play import quiet_client
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio


async def told(served: Served) -> tuple[int, Any]:
    """What anybody is told, and whether the operator is told the same."""
    answer = await served.http.get(served.url("/readyz"))
    for_operator: Any = await ready.tell_operator(served.desk, answer.request)  # type: ignore[arg-type]
    checks = msgspec.json.decode(for_operator.body)["checks"]
    assert for_operator.status_code == answer.status_code
    assert set(answer.json()) == {"status"}
    assert answer.headers["cache-control"] == "no-store"
    return answer.status_code, checks


async def test_a_server_whose_database_answers_is_ready_whatever_its_name_is(
    served: Served,
) -> None:
    status, checks = await told(served)
    assert status == 200
    assert checks["stopping"] == checks["store"] == "ok"
    elsewhere = await served.http.get(served.url("/readyz"), headers={"Host": "10.0.0.7"})
    assert elsewhere.json() == {"status": "ready"}


async def test_without_its_database_a_server_lives_and_is_not_ready(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def away(_: object) -> None:
        raise StoreAway("the disk is on fire")

    with monkeypatch.context() as broken:
        broken.setattr(served.desk.store, "read", away)
        status, checks = await told(served)
        assert (status, "the disk is on fire" in checks["store"]) == (503, True)
        assert (await served.http.get(served.url("/healthz"))).status_code == 200
        await told(served)
    assert (await told(served))[0] == 200
    lines = [it.getMessage() for it in caplog.records if "ready" in it.getMessage()]
    assert [line.split(":")[0] for line in lines] == ["not ready", "ready again"]


async def test_a_schema_older_than_the_program_is_not_ready_and_a_newer_one_is(
    tmp_path: Path,
) -> None:
    path = tmp_path / "schema.sqlite3"
    async with serving(f"sqlite:///{path}") as served:
        with sqlite3.connect(path) as db:
            db.execute("INSERT INTO schema_versions VALUES (9999)")
        assert (await told(served))[0] == 200
        with sqlite3.connect(path) as db:
            db.execute("DELETE FROM schema_versions WHERE version > 1")
        status, checks = await told(served)
        assert (status, "older" in checks["store"]) == (503, True)
        db.close()


@pytest.mark.usefixtures("one_server")
async def test_a_check_that_takes_for_ever_fails_and_all_who_ask_share_one_look(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def hangs(_: Desk) -> str:
        nonlocal looks
        looks += 1
        await asyncio.Event().wait()
        return ""

    monkeypatch.setattr(ready, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(ready, "CHECKS", (Check("hangs", hangs),))
    asked = [served.http.get(served.url("/readyz")) for _ in range(5)]
    assert {it.status_code for it in await asyncio.gather(*asked)} == {503}
    assert looks == 1


async def refused(port: int) -> None:
    """Come back when nobody listens there any more."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
        await asyncio.sleep(0.02)


async def test_a_stopping_server_answers_unready_and_finishes_what_it_began(
    tmp_path: Path,
) -> None:
    watch = f"127.0.0.1:{free_port()}"
    settings = good_settings(tmp_path) | {"ENDORSE_DRAIN": "60", "ENDORSE_METRICS": watch}
    settings["ENDORSE_LOG"] = "json"
    port = int(settings["ENDORSE_PORT"])
    with serve(settings, tmp_path) as running:
        async with quiet_client(BehindProxy(port)) as http:
            assert (await http.get(ISSUER + "/readyz")).json() == {"status": "ready"}
            running.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PATIENCE):
                while (await http.get(ISSUER + "/readyz")).status_code != 503:
                    pass
            assert (await http.get(ISSUER + "/jwks")).status_code == 200
            assert (await http.get(ISSUER + "/healthz")).status_code == 200
        async with quiet_client() as http:
            told = (await http.get(f"http://{watch}/readyz")).json()["checks"]
            assert told == {"stopping": "this server is about to stop"}
            assert "endorse_ready" in (await http.get(f"http://{watch}/metrics")).text
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = "POST /token HTTP/1.1\r\nHost: connect.bank.example\r\nContent-Length: 9\r\n"
        head += "Content-Type: application/x-www-form-urlencoded\r\nExpect: 100-continue\r\n\r\n"
        writer.write(head.encode())
        assert b" 100 " in await reader.readline()
        running.process.send_signal(signal.SIGTERM)  # the second one cuts the waiting short
        async with asyncio.timeout(PATIENCE):
            await refused(port)
        writer.write(b"a=b&c=d&e")
        assert b"invalid_client" in await reader.read()
        writer.close()
        assert await asyncio.to_thread(running.process.wait, 10) == 0
    lines = [msgspec.json.decode(line) for line in running.log.read_text().splitlines()]
    assert "stopping: not ready any more, and gone in 60 s" in [it["message"] for it in lines]
    (no,) = [line for line in lines if "refusal" in line]
    assert (no["refusal"], no["level"], len(no["request"])) == (
        "client_not_authenticated",
        "info",
        12,
    )
