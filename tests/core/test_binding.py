"""What a client's tokens are bound to, and when such a token counts."""

from __future__ import annotations

import msgspec
import pytest

from endorse.core import binding, refusal_proofs
from endorse.core.metadata import FAPI2, Metadata
from endorse.core.model import Client
from tests.core.scene import CLIENT

STRICT = msgspec.structs.replace(CLIENT, profile=FAPI2)
DPOP = msgspec.structs.replace(CLIENT, metadata=Metadata(dpop_bound_access_tokens=True))
MTLS = msgspec.structs.replace(
    CLIENT, metadata=Metadata(tls_client_certificate_bound_access_tokens=True)
)


@pytest.mark.parametrize(
    ("client", "jkt", "certificate", "bound_to"),
    [
        (CLIENT, "", "", ""),
        (CLIENT, "", "cert", ""),
        (CLIENT, "key", "", "jkt:key"),
        (CLIENT, "key", "cert", "jkt:key"),
        (STRICT, "", "", refusal_proofs.KEY_MISSING),
        (STRICT, "key", "cert", "jkt:key"),
        (STRICT, "", "cert", "x5t#S256:cert"),
        (DPOP, "", "cert", refusal_proofs.KEY_MISSING),
        (DPOP, "key", "", "jkt:key"),
        (MTLS, "key", "", refusal_proofs.KEY_MISSING),
        (MTLS, "", "cert", "x5t#S256:cert"),
        (MTLS, "key", "cert", "x5t#S256:cert"),
    ],
)
@pytest.mark.spec("RFC 8705 3.4", "a client that registered for bound tokens gets no others")
def test_a_client_gets_tokens_bound_to_what_it_shows_and_registered(
    client: Client, jkt: str, certificate: str, bound_to: object
) -> None:
    assert binding.key_for(client, jkt, certificate) == bound_to


@pytest.mark.parametrize(
    ("bound_to", "scheme", "jkt", "certificate", "counts"),
    [
        ("", "bearer", "", "", True),
        ("", "bearer", "", "cert", True),
        ("", "dpop", "key", "", False),
        ("jkt:key", "dpop", "key", "", True),
        ("jkt:key", "dpop", "other", "", False),
        ("jkt:key", "bearer", "key", "", False),
        ("jkt:key", "bearer", "", "key", False),
        ("x5t#S256:cert", "bearer", "", "cert", True),
        ("x5t#S256:cert", "bearer", "", "other", False),
        ("x5t#S256:cert", "bearer", "", "", False),
        ("x5t#S256:cert", "dpop", "cert", "cert", False),
    ],
)
@pytest.mark.spec("RFC 9449 7.2", "a bound token under the other scheme is refused")
def test_a_token_counts_with_its_key_under_its_own_scheme(
    bound_to: str, scheme: str, jkt: str, certificate: str, counts: bool
) -> None:
    assert (binding.shown(bound_to, scheme, jkt, certificate) == "") is counts


def test_what_a_token_is_bound_to_is_told_as_cnf() -> None:
    assert binding.confirmation("") == {}
    assert binding.confirmation("jkt:key") == {"jkt": "key"}
    assert binding.confirmation("x5t#S256:cert") == {"x5t#S256": "cert"}
