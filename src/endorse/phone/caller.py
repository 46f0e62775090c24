"""How a phone calls: each call signed by its device key, in the server's time (RFC 9449 4.2)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TypeVar

import httpx2
import msgspec

from endorse.phone.answers import JsonObject, Pending, Person
from endorse.phone.device import DeviceKey
from endorse.phone.encoding import RandomBytes, b64url
from endorse.phone.errors import NotEnrolled
from endorse.phone.issuer import Issuer
from endorse.phone.passkey import Passkey
from endorse.phone.wire import error_answer, read, send

T = TypeVar("T")

_NAME = "Headless phone"
# A clock this near to the server's needs no second try with the server's time.
_CLOCK_IS_RIGHT = 5.0


class Caller:
    """What a phone holds, and how it speaks to its bank."""

    def __init__(
        self,
        issuer: str,
        http: httpx2.AsyncClient,
        *,
        name: str = _NAME,
        clock: Callable[[], float] = time.time,
        random: RandomBytes = secrets.token_bytes,
    ) -> None:
        """A new phone for the bank at `issuer`, which speaks through `http` (see `open_client`).

        `name` is what the person reads in the list of phones. `clock` gives epoch seconds,
        `random` as many random bytes as asked. Raises `UnsafeIssuer`.
        """
        self.issuer = Issuer.parse(issuer)
        self.name = name
        self.device = DeviceKey.create(random)
        self.phone_id: str | None = None
        self.person: Person | None = None
        self.passkey: Passkey | None = None
        self.digits: str | None = None
        """The six digits by which this phone is confirmed; None until it is enrolled."""
        self.pending: Pending | None = None
        """Why it may not act yet, as the last `enrol` or `sign_in` told; None where it may."""
        self._session: str | None = None
        self._session_ends = 0.0
        self._http = http
        self._clock = clock
        self._random = random
        self._clock_error = 0.0
        self._asked: dict[str, tuple[JsonObject, ...]] = {}

    async def call(
        self, method: str, path: str, body: object = None, *, signed_in: bool = True
    ) -> httpx2.Response:
        """Send one call with its proof, and the session if `signed_in`; judge nothing.

        `body` is encoded as JSON; `None` sends none. For tests that send what the other methods
        never would.
        """
        content = b"" if body is None else msgspec.json.encode(body)
        session = self._session if signed_in else None
        headers = {
            "Accept": "application/json",
            "DPoP": self.device.proof(
                method,
                self.issuer.at(path),
                content,
                at=int(self._now()),
                jti=b64url(self._random(16)),
                session=session,
            ),
        }
        if content:
            headers["Content-Type"] = "application/json"
        if session is not None:
            headers["Authorization"] = f"DPoP {session}"
        url = self.issuer.at(path)
        request = self._http.build_request(method, url, headers=headers, content=content)
        # The phone is another device than the browser, also where both share an HTTP client.
        request.headers.pop("Cookie", None)
        return await send(self._http, request)

    async def _ask(
        self,
        shape: type[T],
        path: str,
        body: object = None,
        *,
        method: str = "POST",
        signed_in: bool = False,
    ) -> T:
        answer = await self.call(method, path, body, signed_in=signed_in)
        if answer.status_code == 401 and self._learn_clock(answer):
            answer = await self.call(method, path, body, signed_in=signed_in)
        return read(answer, shape)

    async def _ask_signed_in(
        self, shape: type[T], path: str, body: object = None, *, method: str = "POST"
    ) -> T:
        self._enrolled()
        return await self._ask(shape, path, body, method=method, signed_in=True)

    def _learn_clock(self, answer: httpx2.Response) -> bool:
        known = error_answer(answer)
        if known is None or known.error != "invalid_proof" or known.time is None:
            return False
        before = self._clock_error
        self._set_clock(known.time)
        return abs(self._clock_error - before) > _CLOCK_IS_RIGHT

    def _set_clock(self, server_time: float) -> None:
        self._clock_error = server_time - self._clock()

    def _now(self) -> float:
        return self._clock() + self._clock_error

    def _enrolled(self) -> tuple[str, Passkey]:
        if self.phone_id is None or self.passkey is None:
            raise NotEnrolled("This phone is not enrolled.")
        return self.phone_id, self.passkey

    def _person(self) -> Person:
        if self.person is None:
            raise NotEnrolled("This phone is not enrolled.")
        return self.person
