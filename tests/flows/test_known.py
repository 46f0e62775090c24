"""A phone is remembered by who it is, never by whether it may act. Takes about two seconds."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from endorse.core.change import RevokePhone
from endorse.core.model import Phone as Enrolled
from endorse.phone import SignInRequired
from endorse.risk import Circumstances, Verdict
from endorse.server import known
from endorse.store import reads
from tests.core import scene
from tests.flows import play
from tests.serving import Served, serving

pytestmark = pytest.mark.anyio


async def revoke(served: Served, phone_id: str | None) -> None:
    """End a phone as another server does: this one hears nothing of it, its journeys stay."""
    assert phone_id is not None
    found = await served.desk.store.read(lambda db: reads.phone(db, phone_id))
    assert found is not None
    change = RevokePhone(found, "bank", None, served.clock())
    assert await served.desk.store.change([change], served.clock())


async def test_a_phone_revoked_at_another_server_is_refused_at_once_at_each_step(
    served: Served,
) -> None:
    phone = await play.somebody(served)
    tab, other = await play.begun(served), await play.begun(served)
    review = await play.reviewed(tab, phone)
    held, frame = review.journey, await other.frame()
    await revoke(served, phone.phone_id)
    assert served.desk.phones.get(phone.phone_id or "") is not None
    for call in (
        phone.claim(frame),
        phone.take(held),
        phone.match(held, 10),
        phone.review(held, ["any"]),
        phone.edit(held),
        phone.approve(review),
        phone.refuse(held),
        phone.disown(held),
        phone.watch(held, "review"),
    ):
        with pytest.raises(SignInRequired):
            await call
    assert [await tab.state(), await other.state()] == ["review", "waiting"]


async def test_a_phone_revoked_while_its_passkey_was_looked_at_comes_near_to_nothing(
    tmp_path: Path,
) -> None:
    near = msgspec.structs.replace(play.QUICK, ways=("near",))
    async with serving(f"sqlite:///{tmp_path / 'near.sqlite3'}", near) as served:
        phone, tab = await play.somebody(served), await play.begun(served)

        class Meanwhile:
            async def weigh(self, it: Circumstances) -> Verdict:
                await revoke(served, phone.phone_id)
                return Verdict(level="green")

        served.desk.risk = Meanwhile()
        assert phone.passkey is not None
        options = (await tab.post("/connect/{}/near/options")).json()
        signed = {"credential": phone.passkey.sign(options, served.issuer)}
        answer = await served.http.post(
            served.url(f"/connect/{tab.short}/near"),
            json=signed,
            headers={**play.SAME_ORIGIN, **play.JSON, "Cookie": tab.cookie},
        )
        assert (answer.status_code, answer.json()["error"]) == (403, "passkey_not_accepted")
        assert await tab.state() == "waiting"


def test_no_more_phones_are_remembered_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(known, "_AT_MOST", 2)
    phones = known.Known()
    named: list[Enrolled] = [
        msgspec.structs.replace(scene.ANNA, phone_id=name) for name in ("one", "two", "three")
    ]
    for phone in (*named, named[2]):
        phones.keep(phone)
    assert [phones.get(it.phone_id) for it in named] == [None, named[1], named[2]]
