"""What was signed for a grant, as one bundle that anybody can check without the server.

A consent is a document whose hash the passkey signed; an amendment is the body of a phone's call,
signed by the device key that the last document names. `verify` checks every signature, and that
the grant gives no more than the last document without what amendments took away.

What it cannot show: that the passkey was this person's. Only the bank's enrolment says so.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import rfc8785

from endorse.core import proof
from endorse.core.coding import b64url, sha256
from endorse.core.details import Details
from endorse.core.model import Evidence, Grant, SharedAccount
from endorse.core.policy import Policy
from endorse.core.refusal import Refusal

_TYPE: Final = "endorse-evidence-v1"
_LATER: Final = Policy(proof_age=2 * Policy().proof_age)
"""A call was checked when it came, and noted when its turn at the store was over."""


class Given(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a grant gives; `revision` things were signed for it."""

    grant_id: str
    client_id: str
    person_id: str
    scope: tuple[str, ...]
    accounts: tuple[SharedAccount, ...]
    expires_at: int
    revision: int
    authorization_details: Details = ()


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that was signed. `at` is the server's word; nobody signed it."""

    number: int
    kind: str
    at: int
    signed: str
    signature: str
    credential_id: str | None
    public_key: str | None


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A grant with its evidence. `digest` is over all the rest: it shows damage, not forgery."""

    type: str
    issuer: str
    grant: Given
    items: tuple[Item, ...]
    digest: str = ""


class Finding(msgspec.Struct, frozen=True):
    """One thing that was checked; `wrong` is empty where it holds."""

    what: str
    wrong: str = ""


class _Client(msgspec.Struct, frozen=True):
    client_id: str


class _Document(msgspec.Struct, frozen=True):
    type: str
    issuer: str
    person: str
    device: str
    client: _Client
    request: str
    scope: tuple[str, ...]
    accounts: tuple[SharedAccount, ...]
    recurring: bool
    valid_until: datetime
    renews: str | None = None
    merges: str | None = None
    replaces: str | None = None
    revision: int | None = None
    """Its own number, where it merges or replaces."""
    authorization_details: Details = ()


class _Narrowing(msgspec.Struct, frozen=True):
    accounts: tuple[str, ...]


def bundle(grant: Grant, items: Sequence[Evidence]) -> Bundle:
    """Put a grant and what was signed for it into a bundle."""
    given = Given(
        grant_id=grant.grant_id,
        client_id=grant.client_id,
        person_id=grant.person_id,
        scope=grant.scope,
        accounts=grant.accounts,
        expires_at=grant.expires_at,
        revision=grant.revision,
        authorization_details=grant.authorization_details,
    )
    copied = tuple(
        Item(it.number, it.kind, it.at, it.signed, it.signature, it.credential_id, it.public_key)
        for it in items
    )
    first = _document(items[0].signed) if items else None
    issuer = first.issuer if isinstance(first, _Document) else ""
    return sealed(Bundle(_TYPE, issuer, given, copied))


def sealed(whole: Bundle) -> Bundle:
    """Give the bundle with its digest."""
    return msgspec.structs.replace(whole, digest=_digest(whole))


def write(whole: Bundle) -> str:
    """Write a bundle as canonical JSON (RFC 8785)."""
    return rfc8785.dumps(msgspec.to_builtins(whole)).decode()


def read(text: str) -> Bundle | str:
    """Read a bundle that `write` wrote; or say what is wrong with the text."""
    try:
        generic: Any = msgspec.json.decode(text)
        if rfc8785.dumps(generic) != text.encode():
            return "it is not canonical JSON (RFC 8785)"
        return msgspec.convert(generic, Bundle)
    except (ValueError, RecursionError, rfc8785.CanonicalizationError) as problem:
        return f"it is not a bundle: {problem}"


def verify(whole: Bundle, issuer: str | None = None) -> tuple[Finding, ...]:
    """Check everything that a bundle claims; `issuer` is the one it must be of, if it is known."""
    return tuple(_findings(whole, issuer))


def _findings(whole: Bundle, issuer: str | None) -> Iterator[Finding]:
    damaged = whole.type != _TYPE or whole.digest != _digest(whole)
    yield Finding("the bundle is undamaged", "type or digest" if damaged else "")
    if issuer is not None:
        yield Finding(f"it is of {issuer}", "" if whole.issuer == issuer else whole.issuer)
    counted = [item.number for item in whole.items] == list(range(1, whole.grant.revision + 1))
    yield Finding("nothing is missing", "" if counted and whole.items else "a number is missing")
    last: _Document | None = None
    for item in whole.items:
        if item.kind == "consent":
            found = _consent(whole, item, last)
        elif item.kind == "amendment":
            found = _amendment(whole, item, last)
        else:
            found = f"there is no kind {item.kind!r}"
        wrong = found if isinstance(found, str) else ""
        yield Finding(f"{item.kind} {item.number} is signed", wrong)
        if isinstance(found, str):
            return
        last = found
    wrong = "nothing was signed" if last is None else _beyond(whole.grant, last)
    yield Finding("the grant gives what was signed", wrong)


def _host(issuer: str) -> str:
    """Give the host of an issuer; "" of what is no address, for which no passkey ever signed."""
    try:
        return urlsplit(issuer).hostname or ""
    except ValueError:
        return ""


def _consent(whole: Bundle, item: Item, last: _Document | None) -> _Document | str:
    said = _document(item.signed)
    if isinstance(said, str):
        return said
    if item.public_key is None or item.credential_id is None:
        return "its passkey is not known"
    # The counter was compared when it was signed; here any passes.
    passkey = proof.Passkey(item.credential_id, item.public_key, 0)
    challenge = proof.consent_challenge(item.signed)
    rp_id = _host(whole.issuer)
    answer = proof.asserted(item.signature.encode(), passkey, challenge, whole.issuer, rp_id)
    if isinstance(answer, Refusal):
        return f"the passkey's answer: {answer.detail}"
    grant = whole.grant
    if (said.issuer, said.person, said.client.client_id) != (
        whole.issuer,
        grant.person_id,
        grant.client_id,
    ):
        return "another issuer, person or client"
    named = [name for name in (said.renews, said.merges, said.replaces) if name is not None]
    if named != ([] if last is None else [grant.grant_id]):
        return "it renews, merges or replaces another connection"
    if last is None or said.renews is None:
        return _changed(said, item, last)
    within = _keys(said.accounts) <= _keys(last.accounts) and set(said.scope) <= set(last.scope)
    asked = (said.request, said.authorization_details)
    same = asked == (last.request, last.authorization_details)
    return said if within and same else "it gives more than the one before"


def _changed(said: _Document, item: Item, last: _Document | None) -> _Document | str:
    """Check a document that makes a grant, or changes one to what it says."""
    if said.revision != (None if last is None else item.number):
        return "it stands at another place than it says"
    if last is None or said.merges is None:
        return said
    kept = _keys(last.accounts) <= _keys(said.accounts) and set(last.scope) <= set(said.scope)
    return said if kept else "it merges, and gives less than the one before"


def _amendment(whole: Bundle, item: Item, last: _Document | None) -> _Document | str:
    if last is None:
        return "there is nothing that it could amend"
    url = f"{whole.issuer}/phone/connections/{whole.grant.grant_id}/narrow"
    call = proof.Call("POST", url, item.signed.encode(), None, item.signature)
    device = proof.device_of(call, item.at, _LATER)
    if isinstance(device, Refusal):
        return f"the phone's proof: {device.detail}"
    if device != last.device:
        return "the device key is not the one that the document names"
    if item.public_key is not None or item.credential_id is not None:
        return "it names a passkey"
    try:
        stay = msgspec.json.decode(item.signed, type=_Narrowing).accounts
    except (ValueError, RecursionError):
        return "it does not name accounts"
    if not stay or not set(stay) < {account.resource_id for account in last.accounts}:
        return "it does not take accounts away"
    kept = tuple(account for account in last.accounts if account.resource_id in stay)
    return msgspec.structs.replace(last, accounts=kept)


def _beyond(grant: Given, last: _Document) -> str:
    """Say where a grant differs from what was signed. One that is less was changed by nobody."""
    if len(grant.accounts) != len(last.accounts) or _keys(grant.accounts) != _keys(last.accounts):
        return "its accounts"
    if grant.scope != last.scope:
        return "its scope"
    if grant.authorization_details != last.authorization_details:
        return "its authorization_details"
    until = int(last.valid_until.timestamp())
    # Without offline_access a grant ends with its only access token, before the document does.
    good = grant.expires_at == until if last.recurring else grant.expires_at <= until
    return "" if good else "its end"


def _document(text: str) -> _Document | str:
    try:
        generic: Any = msgspec.json.decode(text)
        # Of text that is not canonical, say with a name twice, two readers could read two things.
        if rfc8785.dumps(generic) != text.encode():
            return "the document is not canonical JSON (RFC 8785)"
        said = msgspec.convert(generic, _Document)
    except (ValueError, RecursionError, rfc8785.CanonicalizationError) as problem:
        return f"the document: {problem}"
    if said.type != "endorse-consent-v1":
        return f"the document is of the type {said.type!r}"
    if said.valid_until.tzinfo is None:
        return "the document's end has no time zone"
    return said


def _keys(accounts: Sequence[SharedAccount]) -> set[SharedAccount]:
    return set(accounts)


def _digest(whole: Bundle) -> str:
    bare = msgspec.structs.replace(whole, digest="")
    return b64url(sha256(rfc8785.dumps(msgspec.to_builtins(bare))))
