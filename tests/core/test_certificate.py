"""A certificate shows the client that registered its name or its key, and no other."""

from __future__ import annotations

import base64
import hashlib
import json
from ipaddress import ip_address
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc.jwk import ECKey

from endorse.core import certificate as certificates
from endorse.core import client as clients
from endorse.core.certificate import Certificate
from endorse.core.client import Call, Credentials
from endorse.core.coding import Secret
from endorse.core.metadata import FAPI2, Metadata
from endorse.core.model import Client
from endorse.core.refusal import Refusal
from tests import certificates as making
from tests.certificates import CLIENT_KEY, SUBJECT
from tests.core.scene import CLIENT, ISSUER, LAW, NOW, SECRET

MINE = making.certificate(
    x509.DNSName("app.example"),
    x509.UniformResourceIdentifier("urn:app:1"),
    x509.IPAddress(ip_address("2001:db8::1")),
    x509.RFC822Name("app@app.example"),
)
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


def read(der: bytes = MINE, *, checked: bool = True) -> Certificate:
    return certificates.read(making.header(der), chain_checked=checked)


def by_name(**names: str) -> Metadata:
    said = {f"tls_client_auth_{name}": value for name, value in names.items()}
    return msgspec.structs.replace(Metadata("tls_client_auth"), **said)


def by_key(*keys: Any) -> Metadata:
    listed = [ECKey.import_key(key.public_key()).as_dict(private=False) for key in keys]
    return Metadata("self_signed_tls_client_auth", jwks=json.dumps({"keys": listed}))


@pytest.mark.spec("RFC 8705 3.1", "x5t#S256 is base64url of the SHA-256 of the DER certificate")
def test_the_thumbprint_is_of_the_whole_certificate() -> None:
    digest = hashlib.sha256(MINE).digest()
    assert read().thumbprint == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert read().thumbprint != read(making.certificate()).thumbprint


@pytest.mark.parametrize(
    "broken",
    [
        "",
        ":",
        "::",
        ":AAAA:",
        making.header(MINE)[1:],
        making.header(MINE)[:-1],
        making.header(MINE) + ";a=1",
        making.header(MINE) + ", " + making.header(MINE),
        making.header(MINE).replace("A", "-", 1),
        making.header(MINE).replace("A", "A\n", 1),
        making.header(MINE[:-1]),
        making.header(MINE + b"\0"),
        f'"{making.header(MINE)[1:-1]}"',
        "-----BEGIN CERTIFICATE-----",
        ":" + "A" * 1_000_000 + ":",
        ":ABCDE:",
        ":ABB=:",
    ],
)
def test_a_header_that_is_no_certificate_as_bytes_is_unreadable(broken: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each of them tells another reason
        certificates.read(broken, chain_checked=True)


def test_another_spelling_of_the_same_bytes_is_unreadable() -> None:
    # Where the length is no multiple of three, the last letter has bits that mean nothing.
    odd = next(der for der in (making.certificate() for _ in range(100)) if len(der) % 3 == 2)
    good = making.header(odd)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = good[:-3] + letters[letters.index(good[-3]) + 1] + "=:"
    assert base64.b64decode(other[1:-1]) == odd
    with pytest.raises(ValueError, match="another spelling"):
        certificates.read(other, chain_checked=True)


def test_a_huge_certificate_is_unreadable() -> None:
    with pytest.raises(ValueError, match="usual length"):
        read(making.certificate(comment=bytes(20_000)))


@pytest.mark.spec(
    "RFC 8705 2.1", "With tls_client_auth the subject of the certificate is the registered one"
)
@pytest.mark.parametrize(
    ("names", "good"),
    [
        ({"subject_dn": SUBJECT}, True),
        ({"subject_dn": SUBJECT.replace("2.5.4.97", "organizationIdentifier")}, True),
        ({"subject_dn": SUBJECT.replace("\\, ", "\\2c ")}, True),
        ({"subject_dn": "CN=app.example"}, False),
        ({"subject_dn": ",".join(reversed(SUBJECT.split(",")))}, False),
        ({"subject_dn": SUBJECT.replace("app", "App")}, False),
        ({"subject_dn": SUBJECT + ",CN=app.example"}, False),
        ({"san_dns": "app.example"}, True),
        ({"san_dns": "APP.example"}, True),
        ({"san_dns": "evil.app.example"}, False),
        ({"san_dns": "*.example"}, False),
        ({"san_uri": "urn:app:1"}, True),
        ({"san_uri": "urn:app:10"}, False),
        ({"san_ip": "2001:db8::1"}, True),
        ({"san_ip": "2001:0db8:0:0::1"}, True),
        ({"san_ip": "2001:db8::2"}, False),
        ({"san_email": "app@app.example"}, True),
        ({"san_email": "app@evil.example"}, False),
        ({}, False),
        ({"subject_dn": SUBJECT, "san_dns": "app.example"}, False),
        ({"subject_dn": "no name"}, False),
        ({"san_ip": "app.example"}, False),
    ],
)
def test_a_checked_certificate_shows_the_client_of_its_one_name(
    names: dict[str, str], good: bool
) -> None:
    assert (certificates.problem(read(), by_name(**names)) == "") is good


def test_a_name_in_a_certificate_without_alternatives_is_not_found() -> None:
    plain = read(making.certificate())
    assert "tls_client_auth_san_dns" in certificates.problem(plain, by_name(san_dns="app.example"))


def test_a_name_counts_only_in_a_certificate_whose_chain_was_checked() -> None:
    problem = certificates.problem(read(checked=False), by_name(subject_dn=SUBJECT))
    assert problem == "the proxy did not check the certificate's chain"


@pytest.mark.spec(
    "RFC 8705 2.2",
    "With self_signed_tls_client_auth the certificate is one of the client's keys",
)
def test_a_self_signed_certificate_shows_the_client_of_its_key_whatever_its_names() -> None:
    for der in (MINE, making.certificate(subject="CN=renewed")):
        assert certificates.problem(read(der, checked=False), by_key(OTHER_KEY, CLIENT_KEY)) == ""
    stolen_name = read(making.certificate(key=OTHER_KEY), checked=True)
    assert certificates.problem(stolen_name, by_key(CLIENT_KEY)) == "its key is not registered"
    assert certificates.problem(read(), by_key()) == "its key is not registered"


def test_a_client_for_certificates_is_shown_by_nothing_else() -> None:
    for metadata in (by_name(subject_dn=SUBJECT), by_key(CLIENT_KEY)):
        client = msgspec.structs.replace(CLIENT, profile=FAPI2, metadata=metadata)

        def who(shown: Certificate | None, client: Client = client) -> Client | Refusal:
            call = Call(ISSUER, (), shown)
            return clients.authenticate(Credentials("app"), client, call, NOW, LAW)

        assert who(read()) == client
        with_secret = Credentials("app", Secret(SECRET))
        twice = clients.authenticate(with_secret, client, Call(ISSUER, (), read()), NOW, LAW)
        assert isinstance(twice, Refusal)
        no = who(None)
        assert isinstance(no, Refusal)
        assert (no.error, no.detail[:14]) == ("invalid_client", "no certificate")


def test_a_certificate_does_not_stand_in_for_another_method() -> None:
    for metadata in (Metadata(), Metadata("private_key_jwt", jwks=by_key(CLIENT_KEY).jwks)):
        client = msgspec.structs.replace(CLIENT, metadata=metadata)
        call = Call(ISSUER, (), read())
        no = clients.authenticate(Credentials("app"), client, call, NOW, LAW)
        assert isinstance(no, Refusal)
        assert no.error == "invalid_client"
