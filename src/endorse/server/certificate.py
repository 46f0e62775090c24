"""The client's TLS certificate, as the proxy that ended TLS tells of it (RFC 9440)."""

from typing import Final

from starlette.requests import Request

from endorse.core import certificate, refusal
from endorse.core.certificate import Certificate
from endorse.core.refusal import Refusal
from endorse.server.desk import Desk, log

_CHECKED: Final = "SUCCESS"


def shown(desk: Desk, request: Request) -> Certificate | Refusal | None:
    """Give the certificate of a call; None where none was shown.

    `Client-Cert` is believed from a trusted proxy alone, and on the host for certificates alone:
    there the proxy sets it anew in each request. From anybody else it means nothing (RFC 9440 4).
    `Client-Cert-Verify: SUCCESS` says that the proxy checked the chain.
    """
    settings = desk.settings
    if not settings.mtls_host:
        return None
    peer = request.client.host if request.client else ""
    here = request.headers.getlist("host") == [settings.mtls_host]
    if not here or peer not in desk.trusted_proxies:
        return None
    said = request.headers.getlist("client-cert")
    if said in ([], [""]):
        return None
    if len(said) > 1:
        # A proxy that adds its own beside the caller's: nobody can say which is which.
        log.warning("the proxy let %d Client-Cert headers through: it must set one", len(said))
        return refusal.CERTIFICATE_UNREADABLE
    checked = request.headers.getlist("client-cert-verify") == [_CHECKED]
    try:
        return certificate.read(said[0], chain_checked=checked)
    except ValueError as why:
        log.warning("unreadable Client-Cert of a trusted proxy: %s", str(why)[:120])
        return refusal.CERTIFICATE_UNREADABLE
