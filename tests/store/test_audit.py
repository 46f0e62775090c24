"""The audit trail: a line for what happened, none for what did not, and no secret anywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from endorse.core import approve, authorize, connect, enrol, grants, redeem
from endorse.core import client as clients
from endorse.core.change import (
    AddClient,
    AddInvitation,
    AddSecret,
    Begin,
    ChangeClient,
    CountUp,
    Decision,
    EndGrant,
    Issue,
    RevokeToken,
    Rotate,
    TouchGrant,
)
from endorse.core.coding import fingerprint
from endorse.core.invitation import invite
from endorse.core.journey import State
from endorse.core.model import ClientSecret, Grant, Journey
from endorse.core.proof import Passkey
from endorse.core.refusal import Refusal
from endorse.store import Store, reads
from endorse.store.connection import Connection
from tests.core import scene
from tests.core.scene import ANNA, ISSUER, KEY, LAW, NOW, OWNED
from tests.store import looking, things

pytestmark = pytest.mark.anyio

T = TypeVar("T")


async def test_each_kind_of_change_leaves_its_line(store: Store) -> None:
    grant = things.GRANT
    await things.put(store, AddClient(things.CLIENT))
    await things.put(store, ChangeClient(things.CLIENT))
    await things.put(store, AddSecret("app", ClientSecret("s2", NOW), NOW))
    await things.put(store, Issue(things.CODE))
    await things.put_grant(store)
    await things.put(store, Rotate(grant.grant_id, 1, NOW))
    await things.put(store, RevokeToken("token-hash", NOW + 300))
    await things.put(store, EndGrant(grant.grant_id, "the account holder", NOW))
    assert await looking.trail(store) == [
        (NOW, "add client", "the bank", None, None, "app", None, things.ODD),
        (NOW, "change client", "the bank", None, None, "app", None, things.ODD),
        (NOW, "add client secret", "the bank", None, None, "app", None, None),
        (NOW, "issue enrolment", "the bank", None, None, None, "anna", None),
        (NOW, "refresh", "the client", None, "grant", None, None, "2"),
        (NOW, "revoke access token", "the client", None, None, None, None, None),
        (NOW, "end grant", "the account holder", None, "grant", None, None, None),
    ]


async def test_notes_of_use_and_sweeps_leave_no_line(store: Store) -> None:
    await things.put_grant(store)
    await things.put(store, TouchGrant("grant", NOW))
    await looking.sweep(store, things.TOKEN.expires_at)
    assert await looking.trail(store) == []


async def test_a_lost_guard_leaves_no_line(store: Store) -> None:
    await things.put_grant(store)
    assert not await store.change([EndGrant("grant", "x", NOW), Rotate("grant", 9, NOW)], NOW)
    assert not await store.change([Issue(things.CODE), CountUp("nobody", 1)], NOW)
    assert await looking.trail(store) == []


async def test_a_line_is_committed_with_its_change_or_not_at_all(store: Store) -> None:
    await things.put_grant(store)

    async def half(db: Connection) -> None:
        await db.run("DROP TABLE audit")

    # The trail cannot be written: then what it would say did not happen either.
    decision = Decision("ended", (EndGrant("grant", "x", NOW),))
    with pytest.raises(Exception, match="audit"):
        await store.settle(half, lambda _: decision, NOW)
    grant = await store.read(lambda db: reads.grant(db, "grant"))
    assert grant == things.GRANT
    assert await looking.trail(store) == []


class Story:
    """One whole authorization at a store, with every secret that came up in it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.secrets: list[str] = []
        self.fresh = scene.fresh_from("story")
        self.qid = ""

    async def settle(self, decide: Callable[[Journey | None], Decision[T]]) -> T:
        """Settle one step on the journey."""
        decision = await self.store.settle(
            lambda db: reads.journey_by_qid(db, self.qid), decide, NOW
        )
        return scene.done(decision)

    async def register(self) -> None:
        """A client with its secret, and a code for a phone that joins with it."""
        secret, stored = clients.new_secret(self.fresh, NOW)
        invitation, invited = invite("Budget & Co", "plain", 1, 60, NOW, self.fresh)
        await things.put(self.store, AddClient(scene.CLIENT), AddSecret("app", stored, NOW))
        await things.put(self.store, AddInvitation(invited))
        code = await self.settle(lambda _: enrol.issue("anna", 0, NOW, self.fresh, LAW))
        found = await self.store.read(lambda db: reads.enrolment(db, fingerprint(code.reveal())))
        passkey = Passkey(ANNA.credential_id, ANNA.public_key, 0)
        await self.settle(
            lambda _: enrol.enrol(found, (), ANNA.device, passkey, "My phone", NOW, self.fresh, LAW)
        )
        self.secrets += [secret.reveal(), code.reveal(), scene.SECRET, invitation.reveal()]

    async def approve(self) -> None:
        """From the browser's start to the approval."""
        begun = await self.settle(
            lambda _: connect.begin(
                scene.WITH_PKCE, ISSUER, scene.BROWSER, LAW.ways, NOW, self.fresh, LAW
            )
        )
        self.qid = begun.journey.qid
        frame = scene.frame_of(begun.journey)
        self.secrets += [begun.browser_secret, frame.rsplit(".", 1)[1]]
        await self.settle(lambda j: scene.claim(frame, j))
        await self.settle(
            lambda j: approve.match(j, ANNA, scene.number(j), scene.NOTHING, NOW, LAW)
        )
        reviewed = await self.settle(
            lambda j: approve.review(
                j,
                ANNA,
                scene.CLIENT,
                approve.Choice(["acc-1"], OWNED, "en"),
                scene.TERMS,
                NOW,
                self.fresh,
            )
        )
        signed = scene.assertion_over(reviewed)
        await self.settle(
            lambda j: approve.approve(j, ANNA, scene.NOTHING, signed, scene.TERMS, NOW)
        )

    async def redeem(self) -> None:
        """From the redirect to the second refresh token."""
        await self.settle(lambda j: authorize.reply(known(j), NOW, KEY, ISSUER, LAW))
        tokens = await self.settle(
            lambda j: scene.redemption(known(j), code_verifier=scene.VERIFIER)
        )
        assert tokens.refresh_token is not None
        text = tokens.refresh_token.reveal()
        held = redeem.read_refresh_token(text, KEY)
        assert held is not None
        decision = await self.store.settle(
            lambda db: reads.grant(db, held.grant_id),
            lambda grant: redeem.refresh(
                scene.params(refresh_token=text), scene.CLIENT, held, grant, KEY, NOW,
                self.fresh, LAW
            ),
            NOW,
        )  # fmt: skip
        again = scene.done(decision)
        assert again.refresh_token is not None
        self.secrets += [tokens.access_token.reveal(), text, scene.VERIFIER]
        self.secrets += [again.access_token.reveal(), again.refresh_token.reveal()]

    async def end(self) -> Grant:
        """The person ends the connection."""
        (row,) = await looking.rows(self.store, "SELECT grant_id FROM grants")
        decision = await self.store.settle(
            lambda db: reads.grant(db, row[0]), lambda grant: grants.end(grant, ANNA, NOW), NOW
        )
        return scene.done(decision)


def known(journey: Journey | None) -> Journey:
    """The journey, which must be there; its code is a secret."""
    assert journey is not None
    return journey


async def told(store: Store) -> Story:
    """The whole story, from the registration to the end of the connection."""
    story = Story(store)
    await story.register()
    await story.approve()
    journey = known(await store.read(lambda db: reads.journey_by_qid(db, story.qid)))
    story.secrets.append(scene.code_of(journey))
    await story.redeem()
    await story.end()
    return story


async def test_a_whole_authorization_can_be_read_from_the_trail(store: Store) -> None:
    story = await told(store)
    journey = known(await store.read(lambda db: reads.journey_by_qid(db, story.qid)))
    assert journey.state is State.REDEEMED
    lines = await looking.trail(store)
    assert [(line[1], line[2]) for line in lines] == [
        ("add client", "the bank"),
        ("add client secret", "the bank"),
        ("invite", "the bank"),
        ("issue enrolment", "the bank"),
        ("enrol", "an enrolled, signed-in phone"),
        ("start", "the browser that began"),
        ("claim", "an enrolled, signed-in phone"),
        ("match", "the phone that claimed"),
        ("review", "the phone that claimed"),
        ("approve", "the phone that claimed"),
        ("resume", "the browser that began"),
        ("redeem", "the client"),
        ("refresh", "the client"),
        ("end grant", "the account holder"),
    ]
    moves = lines[5:12]
    assert {line[3] for line in moves} == {journey.journey_id}
    assert {line[5] for line in moves} == {"app"}
    assert [line[6] for line in moves] == [None, *["anna"] * 6]
    assert {line[4] for line in lines[11:]} == {journey.grant_id}


async def test_no_secret_is_anywhere_in_the_database(store: Store, database: str) -> None:
    story = await told(store)
    tables = await looking.tables(store, database)
    # Otherwise an empty table would pass for a discreet one.
    assert {name for name, rows in tables.items() if not rows} == {
        "client_flags",
        "notices_read",
        "origin",
        "pushed_requests",
        "polls",
        "sandbox_keys",
        "servers",
        "signing_keys",
        "used_once",
    }
    whole = repr(tables)
    assert ANNA.device in whole
    assert len(story.secrets) == 12
    for secret in story.secrets:
        assert len(secret) > 20
        for part in (secret, secret[3:], secret.encode().hex()):
            assert part not in whole
    if database.startswith("sqlite"):
        path = Path(database.removeprefix("sqlite:///"))
        for file in path.parent.glob(path.name + "*"):
            raw = file.read_bytes()
            assert not [secret for secret in story.secrets if secret.encode() in raw]


async def test_the_reason_of_a_stop_is_on_the_trail(store: Store) -> None:
    journey = scene.claimed()
    await things.put(store, Begin(journey))
    spoilt = scene.claim(scene.frame_of(journey), journey, scene.BEN)
    assert isinstance((await store.settle(looking.nothing, lambda _: spoilt, NOW)).answer, Refusal)
    assert (await looking.trail(store))[-1] == (
        NOW,
        "second scan",
        "a phone of another person",
        journey.journey_id,
        None,
        "app",
        "anna",
        "already_scanned",
    )


async def test_what_a_client_asks_by_itself_was_begun_by_no_browser(store: Store) -> None:
    journey = msgspec.structs.replace(scene.waiting(), way="asked", person_id="anna")
    await things.put(store, Begin(journey))
    assert (await looking.trail(store))[-1][1:7] == (
        "start",
        "the client",
        journey.journey_id,
        None,
        "app",
        "anna",
    )
