"""What an operator decides; read once, checked once, never changed while the server runs."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from endorse.core.coding import Secret
from endorse.core.policy import Policy
from endorse.core.statement import Issuer, why_unusable
from endorse.core.ways import ways_problem
from endorse.server import logbook
from endorse.server.keys import read_secret
from endorse.server.proxies import proxy_problem

_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}\Z")
_FACTORY: Final = re.compile(r"[\w.]+:\w+")
_NEW_SECRET: Final = 'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
DRAIN: Final = 3
"""Long enough for a load balancer that asks every second, too short to hold up a restart."""
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


class Unsafe(ValueError):
    """The server must not start like this. Each problem says what to set instead."""

    def __init__(self, problems: list[str]) -> None:
        """Carry all problems at once, so that an operator mends them in one go."""
        super().__init__("\n".join(problems))
        self.problems = problems


class Brand(msgspec.Struct, frozen=True):
    """How the bank's pages look: names, a logo, two colours, the roundness of corners."""

    name: str = "Demo Bank"
    app_name: str = "Demo Bank app"
    logo_url: str | None = None
    colour: str = "#0b5d4b"
    accent: str = "#d98a00"
    radius: int = 12
    """Corner radius in CSS pixels."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one server."""

    issuer: str
    database: str
    secret: Secret | None
    """None only in the sandbox, which keeps its own beside the data."""
    policy: Policy = Policy()
    brand: Brand = Brand()
    sandbox: bool = False
    trusted_proxies: tuple[str, ...] = ()
    """Addresses and networks (CIDR), as `Proxies` takes them."""
    software_issuers: tuple[Issuer, ...] = ()
    """Whose software statements may register clients."""
    mtls_host: str = ""
    """The host, with its port if it is not the usual one, where clients show certificates."""
    bank: str = ""
    """Where the bank's implementation is: `module:factory`."""
    key_holder: str = ""
    """Where a holder of the signing keys is: `module:factory`; "" for keys sealed in the store."""
    risk: str = ""
    """Where a risk check of the bank's own is: `module:factory`; "" for Endorse's own."""
    places: str = ""
    """The path of a place table for Endorse's own risk check; "" for none."""
    host: str = "127.0.0.1"
    port: int = 8000
    metrics: tuple[str, int] | None = None
    """The host and port of the operator's own address; None for none."""
    log: str = logbook.TEXT
    """How the log is written: one of `logbook.KINDS`."""
    traces: bool = False
    """Whether spans are sent, as the OTEL_* variables say."""
    drain: int = 0
    """For how many seconds the server still answers after it was told to stop."""

    @property
    def issuer_host(self) -> str:
        """The host that people see in the address bar, with a port that is not the usual one."""
        return urlsplit(self.issuer).netloc

    @property
    def rp_id(self) -> str:
        """The issuer's host without port: the scope of its passkeys (WebAuthn 5.1.2)."""
        return urlsplit(self.issuer).hostname or ""

    @property
    def mtls_url(self) -> str:
        """Where clients with certificates call, "" if nowhere (RFC 8705 5)."""
        scheme = urlsplit(self.issuer).scheme
        return f"{scheme}://{self.mtls_host}" if self.mtls_host else ""

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses that clients call: the issuer's, and the one for certificates."""
        return (self.issuer, self.mtls_url) if self.mtls_host else (self.issuer,)

    @property
    def secure(self) -> bool:
        """Whether browsers reach the issuer by https."""
        return self.issuer.startswith("https://")


def issuer_problem(issuer: str, sandbox: bool) -> str:
    """Say what is wrong with an issuer, or "" (RFC 8414 2, narrower: no path)."""
    try:
        parts = urlsplit(issuer)
        parts.port  # noqa: B018  (reading it checks it)
    except ValueError:
        return "is not a URL"
    if not parts.hostname or parts.username:
        return "must be scheme and host, such as https://connect.bank.example"
    if parts.path or parts.query or parts.fragment:
        return "must have no path, no query and no final slash"
    if issuer != issuer.lower():
        return "must be in lower case"
    if parts.scheme == "https":
        return ""
    if not sandbox:
        return "must be https"
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return ""
    return "must be https, or http on localhost"


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Read the settings of `endorse serve` from ENDORSE_* variables. Raises Unsafe."""
    problems: list[str] = []

    def need(name: str, why: str) -> str:
        value = environment.get(f"ENDORSE_{name}", "")
        if not value:
            problems.append(f"ENDORSE_{name} is not set: {why}")
        return value

    issuer = need("ISSUER", "the address that browsers see, such as https://connect.bank.example")
    database = need("DATABASE", "sqlite:///PATH or postgresql://…")
    secret = need("SECRET", f"at least 32 random bytes in base64url, such as from {_NEW_SECRET}")
    bank = need("BANK", "where the bank's implementation is, as module:factory")
    problems += _unknown(environment)
    if issuer and issuer_problem(issuer, sandbox=False):
        problems.append(f"ENDORSE_ISSUER {issuer_problem(issuer, sandbox=False)}.")
    if secret:
        try:
            read_secret(secret)
        except ValueError as error:
            problems.append(f"ENDORSE_SECRET {error}.")
    risk, places = _own_code(environment, problems)
    proxies, mtls_host = _proxies(environment, problems)
    software_issuers = _software_issuers(environment, problems)
    brand = _brand(environment, problems)
    port = _number("PORT", 8000, 1, 65535, environment, problems)
    log = environment.get("ENDORSE_LOG", logbook.TEXT)
    if log not in logbook.KINDS:
        problems.append(f"ENDORSE_LOG must be one of: {', '.join(logbook.KINDS)}.")
    traces = environment.get("ENDORSE_TRACES", "")
    if traces not in ("", "otlp"):
        problems.append("ENDORSE_TRACES must be otlp, or not be set.")
    metrics = _address("METRICS", environment, problems)
    drain = _number("DRAIN", DRAIN, 0, 300, environment, problems)
    offered = tuple(environment.get("ENDORSE_WAYS", " ".join(Policy().ways)).split())
    if ways_problem(offered):
        problems.append(f"ENDORSE_WAYS {ways_problem(offered)}.")
    if problems:
        raise Unsafe(problems)
    return Settings(
        issuer=issuer,
        database=database,
        secret=Secret(secret),
        bank=bank,
        key_holder=environment.get("ENDORSE_KEY_HOLDER", ""),
        risk=risk,
        places=places,
        brand=brand,
        policy=Policy(ways=offered),
        trusted_proxies=proxies,
        mtls_host=mtls_host,
        software_issuers=software_issuers,
        host=environment.get("ENDORSE_HOST", "127.0.0.1"),
        port=port,
        metrics=metrics,
        log=log,
        traces=bool(traces),
        drain=drain,
    )


KNOWN: Final = (
    "ISSUER",
    "DATABASE",
    "SECRET",
    "BANK",
    "KEY_HOLDER",
    "RISK",
    "PLACES",
    "HOST",
    "PORT",
    "METRICS",
    "TRACES",
    "LOG",
    "DRAIN",
    "WAYS",
    "TRUSTED_PROXIES",
    "MTLS_HOST",
    "SOFTWARE_ISSUERS",
    "BRAND_NAME",
    "BRAND_APP_NAME",
    "BRAND_LOGO_URL",
    "BRAND_COLOUR",
    "BRAND_ACCENT",
    "BRAND_RADIUS",
)


def _number(
    name: str,
    usual: int,
    least: int,
    most: int,
    environment: Mapping[str, str],
    problems: list[str],
) -> int:
    given = environment.get(f"ENDORSE_{name}", str(usual))
    if given.isdecimal() and least <= int(given) <= most:
        return int(given)
    problems.append(f"ENDORSE_{name} must be a number from {least} to {most}.")
    return usual


def _unknown(environment: Mapping[str, str]) -> list[str]:
    known = {f"ENDORSE_{name}" for name in KNOWN}
    return [
        f"{name} is not a setting. There are: {', '.join(sorted(known))}."
        for name in environment
        if name.startswith("ENDORSE_") and name not in known
    ]


def _own_code(environment: Mapping[str, str], problems: list[str]) -> tuple[str, str]:
    """Check the settings that name a bank's own code; give its risk check, or ours' place table."""
    problems += [
        f"ENDORSE_{name} must be module:factory, such as mybank.endorse:{name.lower()}."
        for name in ("BANK", "KEY_HOLDER", "RISK")
        if (given := environment.get(f"ENDORSE_{name}")) and not _FACTORY.fullmatch(given)
    ]
    risk, places = environment.get("ENDORSE_RISK", ""), environment.get("ENDORSE_PLACES", "")
    if risk and places:
        problems.append("ENDORSE_PLACES is read by Endorse's own risk check: unset ENDORSE_RISK.")
    return risk, places


def _address(
    name: str, environment: Mapping[str, str], problems: list[str]
) -> tuple[str, int] | None:
    """Read where else to listen, such as 127.0.0.1:9100 or [::1]:9100."""
    given = environment.get(f"ENDORSE_{name}", "")
    host, _, port = given.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if _is_ip(host) and port.isdecimal() and 0 < int(port) < 65536:
        return host, int(port)
    if given:
        problems.append(f"ENDORSE_{name} must be an address and a port, such as 127.0.0.1:9100.")
    return None


def _proxies(environment: Mapping[str, str], problems: list[str]) -> tuple[tuple[str, ...], str]:
    """Read which proxies are trusted, and at which host they show certificates of clients."""
    proxies = tuple(environment.get("ENDORSE_TRUSTED_PROXIES", "").replace(",", " ").split())
    wrong = ((said, proxy_problem(said)) for said in proxies)
    problems += [f"ENDORSE_TRUSTED_PROXIES: {said} {why}." for said, why in wrong if why]
    mtls_host = environment.get("ENDORSE_MTLS_HOST", "")
    if mtls_host and issuer_problem(f"https://{mtls_host}", sandbox=False):
        problems.append("ENDORSE_MTLS_HOST must be a host alone, such as mtls.bank.example.")
    if mtls_host and not proxies:
        problems.append(
            "ENDORSE_MTLS_HOST needs ENDORSE_TRUSTED_PROXIES: certificates are believed from them."
        )
    return proxies, mtls_host


class _SoftwareIssuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the operator's file."""

    issuer: str
    jwks: msgspec.Raw
    profile: str = "fapi2"


def _software_issuers(environment: Mapping[str, str], problems: list[str]) -> tuple[Issuer, ...]:
    """Read the file that names whose software statements are trusted, and by which keys."""
    path = environment.get("ENDORSE_SOFTWARE_ISSUERS", "")
    if not path:
        return ()
    try:
        listed = msgspec.json.decode(Path(path).read_bytes(), type=list[_SoftwareIssuer])
    except (OSError, msgspec.DecodeError) as error:
        problems.append(f"ENDORSE_SOFTWARE_ISSUERS: {error}.")
        return ()
    found = tuple(Issuer(it.issuer, it.profile, bytes(it.jwks).decode()) for it in listed)
    wrong = filter(None, map(why_unusable, found))
    problems += [f"ENDORSE_SOFTWARE_ISSUERS: {it}." for it in wrong]
    return found


def _brand(environment: Mapping[str, str], problems: list[str]) -> Brand:
    usual = Brand()

    def get(name: str, otherwise: str) -> str:
        return environment.get(f"ENDORSE_BRAND_{name}", otherwise)

    name = environment.get("ENDORSE_BRAND_NAME", "")
    if not name:
        problems.append("ENDORSE_BRAND_NAME is not set: the bank's name, as its customers know it")
    radius = get("RADIUS", str(usual.radius))
    problems += [
        f"ENDORSE_BRAND_{setting} must be a colour such as #0b5d4b."
        for setting in ("COLOUR", "ACCENT")
        if not _COLOUR.match(get(setting, "#000000"))
    ]
    if not radius.isdecimal() or int(radius) > 40:
        problems.append("ENDORSE_BRAND_RADIUS must be a number of pixels from 0 to 40.")
        radius = "0"
    logo = get("LOGO_URL", "")
    if logo and not logo.startswith("https://"):
        problems.append("ENDORSE_BRAND_LOGO_URL must be an https address.")
    return Brand(
        name=name,
        app_name=get("APP_NAME", f"{name} app"),
        logo_url=logo or None,
        colour=get("COLOUR", usual.colour),
        accent=get("ACCENT", usual.accent),
        radius=int(radius),
    )


def _is_ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
