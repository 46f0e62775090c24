"""One enrolled phone: each call of the phone API as one method."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import httpx2
import msgspec

from endorse.phone.answers import (
    Asked,
    Changed,
    Claimed,
    Confirmed,
    Connection,
    Connections,
    Ended,
    EnrolOptions,
    Journeys,
    JsonObject,
    ListedPhone,
    Matched,
    Notice,
    Notices,
    NoticesRead,
    Person,
    Phones,
    Progress,
    RenewalAnswer,
    ReviewAnswer,
    Revoked,
    SignedIn,
    SignInOptions,
)
from endorse.phone.caller import Caller
from endorse.phone.consent import Consent, read_consent
from endorse.phone.details import check_shown
from endorse.phone.device import DeviceKey
from endorse.phone.encoding import RandomBytes
from endorse.phone.errors import (
    CodeNotAccepted,
    ConsentNotTrusted,
    NotUnderstood,
    PasskeyNotUsable,
    PhoneNotKnown,
)
from endorse.phone.passkey import Passkey
from endorse.phone.renewal import Renewal, read_renewal


@dataclass(frozen=True, slots=True)
class Review:
    """What the passkey is to sign, already checked: show `consent`, then call `approve`."""

    journey: str
    document: str
    consent: Consent
    options: JsonObject
    expires_in: int


# Eight consonants in any case, with a dash or spaces between them.
_ASKED_KEPT = 20
_SHORT_CODE = re.compile(r"\s*([BCDFGHJKLMNPQRSTVWXZ][\s-]?){8}\s*", re.IGNORECASE)


class _Saved(msgspec.Struct, frozen=True):
    issuer: str
    name: str
    device: str
    phone_id: str | None = None
    person: Person | None = None
    passkey: dict[str, str] | None = None
    session: str | None = None
    session_ends: float = 0.0
    digits: str | None = None


class Phone(Caller):
    """A phone of the bank's app, played for tests.

    It holds a device key that signs each call and, once enrolled, a passkey. All methods raise a
    `PhoneError`: `Refused` (or a kind of it) where the server said no, `NotReachable` where it
    said nothing.
    """

    # Joining and signing in

    async def enrol(self, code: str) -> Person:
        """Join the account that a one-use `code`, or the link around it, was issued for."""
        code = self._bare_code(code)
        asked = await self._ask(EnrolOptions, "/phone/enrol/options", {"code": code})
        self._set_clock(asked.time)
        passkey, credential = Passkey.create(asked.options, self.issuer.url, random=self._random)
        if passkey.rp_id != self.issuer.host:
            raise PasskeyNotUsable(f"{passkey.rp_id!r} is no rp.id of {self.issuer.url}.")
        body = {"code": code, "credential": credential, "name": self.name}
        answer = await self._ask(SignedIn, "/phone/enrol", body)
        self.passkey, self.digits = passkey, self.device.digits(code)
        self._keep(answer)
        return asked.person

    async def sign_in(self) -> Person:
        """Open a session with the passkey. It lasts some minutes; see `is_signed_in`."""
        phone_id, passkey = self._enrolled()
        try:
            asked = await self._ask(SignInOptions, "/phone/sign-in/options", {"phone_id": phone_id})
        except PhoneNotKnown:
            self._forget()
            raise
        self._set_clock(asked.time)
        body = {"phone_id": phone_id, "credential": passkey.sign(asked.options, self.issuer.url)}
        answer = await self._ask(SignedIn, "/phone/sign-in", body)
        self._keep(answer)
        return answer.person

    def is_signed_in(self) -> bool:
        """Whether the phone holds a session that should last another minute."""
        return self._session is not None and self._now() + 60 < self._session_ends

    # Approving a journey

    async def claim(self, text: str) -> Claimed:
        """Say that this phone scanned, opened or was told `text`.

        It is the moving code's text of this moment, the link of the app on the same device, or
        the eight letters of a short code.
        """
        ours = (self.issuer.at("/q#"), self.issuer.at("/a#"))
        if not text.startswith(ours) and not _SHORT_CODE.fullmatch(text):
            raise CodeNotAccepted(f"The scanned code is none of {self.issuer.url}.")
        return await self._ask_signed_in(Claimed, "/phone/claim", {"code": text})

    async def journeys(self) -> tuple[Claimed, ...]:
        """The journeys that this phone holds: also those that its passkey claimed on the page."""
        return (await self._ask_signed_in(Journeys, "/phone/journeys", method="GET")).journeys

    async def asked(self) -> tuple[Asked, ...]:
        """What clients ask the person by themselves, and no phone took yet."""
        return (await self._ask_signed_in(Journeys, "/phone/journeys", method="GET")).asked

    async def take(self, journey: str) -> Claimed:
        """Take what a client asks the person. Compare `binding_message` with what it shows there.

        Then `match` with no number, `review` with `message`, and `approve`; or `refuse`.
        """
        return await self._ask_signed_in(Claimed, "/phone/take", {"journey": journey})

    async def match(self, journey: str, number: int | None) -> Matched:
        """Say the `number` on the page; learn what is asked, and the accounts to choose from.

        There is one try. `number` is None where the claim did not ask for one.
        """
        body: JsonObject = {"journey": journey}
        if number is not None:
            body["number"] = number
        return self._shown(await self._ask_signed_in(Matched, "/phone/match", body))

    async def review(
        self,
        journey: str,
        accounts: Sequence[str],
        locale: str = "en",
        message: str | None = None,
        *,
        changes: Changed | None = None,
    ) -> Review:
        """Choose accounts by resource id, and get the document to sign, already checked.

        `message` is the binding message of what a client asked by itself, `changes` what `match`
        answered of the connection that the request changes; what a merge keeps need not be chosen.
        Raises `ConsentNotTrusted` if the document is not the one that the challenge stands for, or
        not for this issuer, phone, person, choice, message and change.
        """
        _, passkey = self._enrolled()
        body = {"journey": journey, "accounts": list(accounts), "locale": locale}
        answer = await self._ask_signed_in(ReviewAnswer, "/phone/review", body)
        if answer.journey != journey or answer.options.get("rpId") != passkey.rp_id:
            raise ConsentNotTrusted("The answer is for another journey or relying party.")
        consent = read_consent(
            answer.document,
            answer.options.get("challenge"),
            issuer=self.issuer.url,
            device=self.device.thumbprint,
            person=self._person().id,
            accounts=accounts,
            message=message,
            changes=changes,
        )
        check_shown(consent.authorization_details, self._asked.get(journey))
        return Review(journey, answer.document, consent, answer.options, answer.expires_in)

    async def edit(self, journey: str) -> Matched:
        """Go back from the review to the choice of accounts."""
        asked = await self._ask_signed_in(Matched, "/phone/edit", {"journey": journey})
        return self._shown(asked)

    def _shown(self, asked: Matched) -> Matched:
        """Remember what exactly was asked, which the document must say again."""
        self._asked[asked.journey] = asked.authorization_details
        while len(self._asked) > _ASKED_KEPT:
            del self._asked[next(iter(self._asked))]
        return asked

    async def approve(self, review: Review, credential: JsonObject | None = None) -> Progress:
        """Sign the reviewed document with the passkey and approve.

        A test of a server's refusals gives its own `credential`, made with `passkey.sign`.
        """
        _, passkey = self._enrolled()
        if credential is None:
            credential = passkey.sign(review.options, self.issuer.url)
        body = {"journey": review.journey, "credential": credential}
        return await self._ask_signed_in(Progress, "/phone/approve", body)

    async def refuse(self, journey: str) -> Progress:
        """Say no."""
        return await self._ask_signed_in(Progress, "/phone/refuse", {"journey": journey})

    async def disown(self, journey: str) -> Progress:
        """Say "I did not start this": everything under way in that browser ends."""
        return await self._ask_signed_in(Progress, "/phone/disown", {"journey": journey})

    async def watch(self, journey: str, state: str) -> Progress:
        """Wait until the journey's state differs from `state`, 20 s at most."""
        body = {"journey": journey, "state": state}
        return await self._ask_signed_in(Progress, "/phone/watch", body)

    # Connections

    async def connections(self) -> tuple[Connection, ...]:
        """What the person gave to which client."""
        path = "/phone/connections"
        answer = await self._ask_signed_in(Connections, path, method="GET")
        return answer.connections

    async def end(self, grant_id: str) -> Ended:
        """End a connection at once."""
        path = f"/phone/connections/{quote(grant_id, safe='')}"
        return await self._ask_signed_in(Ended, path, method="DELETE")

    async def narrow(self, grant_id: str, accounts: Sequence[str]) -> Connection:
        """Take accounts away: only these stay, by resource id. The device key signs it."""
        path = f"/phone/connections/{quote(grant_id, safe='')}/narrow"
        return await self._ask_signed_in(Connection, path, {"accounts": list(accounts)})

    async def renew(self, connection: Connection) -> Renewal:
        """Get the document that renews a connection, checked against what the connection has.

        Raises `ConsentNotTrusted` if it gives anything else, or is not for this phone.
        """
        _, passkey = self._enrolled()
        path = f"/phone/connections/{quote(connection.grant_id, safe='')}/renew"
        answer = await self._ask_signed_in(RenewalAnswer, path)
        return read_renewal(
            answer,
            connection,
            issuer=self.issuer.url,
            device=self.device.thumbprint,
            person=self._person().id,
            rp_id=passkey.rp_id,
        )

    async def approve_renewal(
        self, renewal: Renewal, credential: JsonObject | None = None
    ) -> Connection:
        """Sign the renewal's document with the passkey, and make the connection last.

        A test of a server's refusals gives its own `credential`, made with `passkey.sign`.
        """
        _, passkey = self._enrolled()
        if credential is None:
            credential = passkey.sign(renewal.options, self.issuer.url)
        path = f"/phone/connections/{quote(renewal.grant_id, safe='')}/renew/approve"
        body = {
            "renewal": renewal.sealed,
            "document": renewal.document,
            "credential": credential,
        }
        return await self._ask_signed_in(Connection, path, body)

    async def evidence(self, grant_id: str) -> str:
        """Everything that was signed for a connection: the text to keep, byte for byte."""
        path = f"/phone/connections/{quote(grant_id, safe='')}/evidence"
        answer = await self._ask_signed_in(msgspec.Raw, path, method="GET")
        return bytes(answer).decode()

    # Notices

    async def notices(self) -> tuple[Notice, ...]:
        """What happened to the person's connections and phones, the newest first."""
        answer = await self._ask_signed_in(Notices, "/phone/notices", method="GET")
        return answer.notices

    async def read_notices(self, notices: Sequence[Notice]) -> None:
        """Say that this phone has shown these."""
        body = {"notices": [notice.id for notice in notices]}
        await self._ask_signed_in(NoticesRead, "/phone/notices/read", body)

    # Phones

    async def phones(self) -> tuple[ListedPhone, ...]:
        """The person's phones that are not revoked, the newest first."""
        return (await self._ask_signed_in(Phones, "/phone/phones", method="GET")).phones

    async def confirm(self, phone_id: str, digits: str) -> Confirmed:
        """Confirm a new phone of the person by the `digits` that it shows.

        Raises `WrongDigits`; the third time the new phone is revoked.
        """
        path = f"/phone/phones/{quote(phone_id, safe='')}/confirm"
        return await self._ask_signed_in(Confirmed, path, {"digits": digits.replace(" ", "")})

    async def revoke_phone(self, phone_id: str) -> Revoked:
        """End another phone of the person, or this one, at once. Connections stay."""
        path = f"/phone/phones/{quote(phone_id, safe='')}"
        return await self._ask_signed_in(Revoked, path, method="DELETE")

    # Keeping

    def to_dict(self) -> JsonObject:
        """The phone as plain JSON values with its private keys, for `from_dict`. Keep it secret."""
        saved = _Saved(
            self.issuer.url,
            self.name,
            self.device.to_text(),
            self.phone_id,
            self.person,
            self.passkey.to_dict() if self.passkey else None,
            self._session,
            self._session_ends,
            self.digits,
        )
        plain: JsonObject = msgspec.to_builtins(saved)
        return plain

    @classmethod
    def from_dict(
        cls,
        saved: Mapping[str, object],
        http: httpx2.AsyncClient,
        *,
        clock: Callable[[], float] = time.time,
        random: RandomBytes = secrets.token_bytes,
    ) -> Phone:
        """The phone that `to_dict` wrote. Raises `NotUnderstood`."""
        try:
            kept = msgspec.convert(dict(saved), _Saved)
        except msgspec.ValidationError as problem:
            raise NotUnderstood(f"This is no saved phone: {problem}.") from problem
        phone = cls(kept.issuer, http, name=kept.name, clock=clock, random=random)
        phone.device = DeviceKey.from_text(kept.device)
        phone.phone_id, phone.person = kept.phone_id, kept.person
        phone.passkey = Passkey.from_dict(kept.passkey) if kept.passkey else None
        phone._session, phone._session_ends = kept.session, kept.session_ends
        phone.digits = kept.digits
        return phone

    def _bare_code(self, code: str) -> str:
        before, mark, rest = code.strip().partition("#enrol.")
        if not mark:
            return before
        if before != self.issuer.at("/phone"):
            raise CodeNotAccepted(f"The enrolment link is none of {self.issuer.url}.")
        return rest

    def _keep(self, answer: SignedIn) -> None:
        self._set_clock(answer.time)
        self.phone_id = answer.phone_id
        self.person = answer.person
        self._session = answer.session
        self._session_ends = answer.time + answer.expires_in
        self.pending = answer.pending
        if answer.pending is not None and answer.pending.digits != self.digits:
            raise NotUnderstood("The server shows other digits for this phone than it has itself.")

    def _forget(self) -> None:
        self.phone_id = self.person = self.passkey = self._session = None
        self.digits = self.pending = None
