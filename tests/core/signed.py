"""A grant that lived for a while, and all that was signed for it: what evidence is made of."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import msgspec
import rfc8785

from endorse.core import consent, evidence, grants, proof, redeem
from endorse.core.change import Amend, MakeGrant
from endorse.core.coding import b64url
from endorse.core.evidence import Bundle
from endorse.core.model import Evidence, Grant, Phone
from endorse.core.proof import Assertion, consent_challenge
from endorse.phone import DeviceKey, Passkey
from tests.core import scene
from tests.core.scene import ANNA, CLIENT, ISSUER, LAW, NOW

HOST = "bank.example"
DEVICE = DeviceKey.create(secrets.token_bytes)
OTHER_DEVICE = DeviceKey.create(secrets.token_bytes)


def a_passkey() -> tuple[Passkey, str]:
    """A passkey of the bank's app, and its public key as the server keeps it."""
    challenge = b64url(secrets.token_bytes(32))
    options = {
        "rp": {"id": HOST, "name": "Bank"},
        "user": {"id": b64url(b"anna")},
        "challenge": challenge,
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
    }
    passkey, answer = Passkey.create(options, ISSUER, random=secrets.token_bytes)
    made = proof.registered(msgspec.json.encode(answer), challenge, ISSUER, HOST)
    assert isinstance(made, proof.Passkey)
    return passkey, made.public_key


PASSKEY, PUBLIC_KEY = a_passkey()
PHONE = msgspec.structs.replace(
    ANNA,
    device=DEVICE.thumbprint,
    credential_id=b64url(PASSKEY.credential_id),
    public_key=PUBLIC_KEY,
)


def signed(document: str, **how: Any) -> Assertion:
    """The passkey's answer over a document."""
    challenge = consent_challenge(document)
    options = {"challenge": challenge, "rpId": HOST}
    answer = PASSKEY.sign(options, how.pop("origin", ISSUER), **how)
    return Assertion(challenge, PHONE.credential_id, 0, msgspec.json.encode(answer).decode())


def first(scope: tuple[str, ...] = scene.REQUEST.scope) -> tuple[Grant, Evidence]:
    """A grant of two accounts, and the consent that it was made by."""
    request = msgspec.structs.replace(scene.REQUEST, scope=scope)
    matched = scene.matched(request)
    accounts = (scene.CURRENT, scene.SAVINGS, scene.DOLLARS)
    document = consent.document(
        matched, PHONE, CLIENT, accounts, "en", scene.TERMS, scene.fresh_from("document")
    )
    done = msgspec.structs.replace(
        scene.redirected(request), document=document, assertion=signed(document).text
    )
    good = {"code": scene.code_of(done), "redirect_uri": scene.CALLBACK}
    decision = redeem.code(
        scene.params(**good),
        CLIENT,
        redeem.Approval(done, PHONE),
        scene.KEY,
        NOW,
        scene.fresh_from("r"),
        LAW,
    )
    [made] = [it for it in decision.changes if isinstance(it, MakeGrant)]
    return made.grant, made.evidence


def accounts_text(grant: Grant) -> str:
    """The accounts of a grant as the store writes them."""
    return msgspec.json.encode(grant.accounts).decode()


def narrowed(
    grant: Grant, *keep: str, now: int = NOW + 5, device: DeviceKey = DEVICE, path: str = "narrow"
) -> Amend:
    """The narrowing of a grant to some accounts."""
    body = msgspec.json.encode({"accounts": list(keep)})
    url = f"{ISSUER}/phone/connections/{grant.grant_id}/{path}"
    proved = device.proof("POST", url, body, at=now, jti="a-name-once", session="session")
    decision = grants.narrow(grant, PHONE, keep, body.decode(), proved, now)
    [amend] = [it for it in decision.changes if isinstance(it, Amend)]
    return amend


def renewed(grant: Grant, last: str, now: int, phone: Phone = PHONE) -> Amend:
    """The renewal of a grant."""
    owned = [account.resource_id for account in scene.OWNED]
    document = grants.offer(
        grant, phone, CLIENT, last, owned, ISSUER, now, scene.fresh_from("renewal"), LAW
    )
    assert isinstance(document, str), document
    decision = grants.renew(grant, phone, grant.revision, document, signed(document), now)
    [amend] = [it for it in decision.changes if isinstance(it, Amend)]
    return amend


def a_life() -> tuple[Grant, list[Evidence]]:
    """A grant that was approved, narrowed, renewed and narrowed again, and all that was signed."""
    grant, made = first()
    one = narrowed(grant, "acc-1", "acc-3")
    two = renewed(one.after, made.signed, NOW + 1000)
    three = narrowed(two.after, "acc-3", now=NOW + 2000)
    return three.after, [made, one.evidence, two.evidence, three.evidence]


GRANT, ITEMS = a_life()
WHOLE = evidence.bundle(GRANT, ITEMS)
TEXT = evidence.write(WHOLE)


def wrongs(whole: Bundle) -> list[str]:
    """What does not hold."""
    return [finding.what for finding in evidence.verify(whole, ISSUER) if finding.wrong]


def holds(text: str) -> bool:
    """Whether this text is a bundle that holds."""
    whole = evidence.read(text)
    return isinstance(whole, Bundle) and not wrongs(whole)


def redone(generic: Any) -> bool:
    """Whether a changed bundle holds, with its digest made to fit."""
    try:
        whole = evidence.sealed(msgspec.convert(generic, Bundle))
        return holds(evidence.write(whole))
    except (msgspec.ValidationError, rfc8785.CanonicalizationError):
        return False


Path = tuple[str | int, ...]


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """The way to each value that holds no others."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from leaves(inner, (*path, number))
    else:
        yield path


def changed(value: Any) -> Any:
    """Another value of the same type; of a text the first letter that makes it another."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if value is None:
        return "x"
    middle = len(value) // 2
    letter = "A" if value[middle : middle + 1] != "A" else "B"
    return value[:middle] + letter + value[middle + 1 :]


def put(whole: Any, path: Path, value: Any) -> Any:
    """A copy with another value at one place."""
    copied = msgspec.json.decode(msgspec.json.encode(whole))
    at = copied
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return copied


GENERIC = msgspec.json.decode(TEXT)
