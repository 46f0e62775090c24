"""`endorse audit`: try the known attacks on a running server, and say what each one found."""

import textwrap
from collections import Counter
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from endorse.audit import PATIENCE, Finding, Outcome, Target, attacks, ready, run
from endorse.phone import Issuer, PhoneError
from endorse.phone.issuer import is_loopback

HELD, GOT_THROUGH, NOT_AUDITED = 0, 1, 2
"""The exit statuses."""

_PATIENT: Final = 125.0
_WIDTH: Final = 96
_INDENT: Final = 22


class Wanted(msgspec.Struct, frozen=True):
    """The command's options."""

    url: str
    client_id: str
    client_secret: str | None
    redirect_uri: str
    client_file: str | None = None
    phones: tuple[str, ...] = ()
    enrolment_code: str | None = None
    only: tuple[str, ...] = ()
    patient: bool = False
    permitted: bool = False
    as_json: bool = False


class _Client(msgspec.Struct, frozen=True):
    """What counts here of the line that `endorse sandbox --json` prints."""

    client_id: str
    client_secret: str
    redirect_uri: str


async def run_audit(wanted: Wanted) -> int:
    """Run the attacks, print what they found, and give the exit status."""
    try:
        target = _target(wanted)
        await ready(target)
    except (PhoneError, OSError, ValueError) as problem:
        click.echo(f"{wanted.url} cannot be audited: {problem}", err=True)
        click.echo(str(getattr(problem, "what_to_do", "")), err=True)
        return NOT_AUDITED
    tell = _silent if wanted.as_json else _tell
    findings = await run(target, wanted.only, tell)
    counted = Counter(it.outcome for it in findings)
    if wanted.as_json:
        counts = {outcome.value: counted[outcome] for outcome in Outcome}
        report = {"target": target.issuer, "counts": counts, "findings": findings}
        click.echo(msgspec.json.encode(report))
    else:
        _sum_up(target, findings, counted)
    if counted[Outcome.FAILED]:
        return GOT_THROUGH
    return NOT_AUDITED if counted[Outcome.UNCLEAR] else HELD


def check(wanted: Wanted) -> None:
    """Refuse what must not be run. Raises `click.UsageError`, which exits with status 2."""
    known = {attack.id for attack in attacks()}
    unknown = [number for number in wanted.only if number not in known]
    if unknown:
        raise click.UsageError(f"There is no attack {', '.join(unknown)}.")
    try:
        host = Issuer.parse(wanted.url).host
    except PhoneError as problem:
        raise click.UsageError(f"{problem} {problem.what_to_do}") from None
    if not is_loopback(host) and not wanted.permitted:
        raise click.UsageError(
            f"{host} is not this computer. The attacks guess, flood, and make connections: run "
            "them only where the operator agreed, and say so with --with-permission."
        )


def _target(wanted: Wanted) -> Target:
    """Put together what is attacked. Raises OSError, ValueError, PhoneError."""
    client = _Client(wanted.client_id, wanted.client_secret or "", wanted.redirect_uri)
    if wanted.client_file is not None:
        client = msgspec.json.decode(Path(wanted.client_file).read_bytes(), type=_Client)
    saved = [
        msgspec.json.decode(Path(it).read_bytes(), type=dict[str, Any]) for it in wanted.phones
    ]
    return Target(
        Issuer.parse(wanted.url).url,
        client.client_id,
        client.redirect_uri,
        client.client_secret or None,
        saved=tuple(saved),
        enrolment_code=wanted.enrolment_code,
        patience=_PATIENT if wanted.patient else PATIENCE,
    )


def _silent(_: Finding) -> None:
    """Say nothing until the end."""


def _tell(it: Finding) -> None:
    click.echo(f"{it.attack:<4}{it.outcome.value:<{_INDENT - 4}}{it.title}")
    lines = textwrap.wrap(it.seen, _WIDTH - _INDENT)
    click.echo(textwrap.indent("\n".join(lines), " " * _INDENT))


def _sum_up(target: Target, findings: tuple[Finding, ...], counted: Counter[Outcome]) -> None:
    parts = [f"{counted[outcome]} {outcome.value}" for outcome in Outcome if counted[outcome]]
    click.echo(f"\n{len(findings)} attacks on {target.issuer}: {', '.join(parts)}.")
    later = [it.attack for it in findings if it.outcome is Outcome.NEEDS_CLOCK]
    if later:
        click.echo(f"Not waited for: {', '.join(later)}. --patient waits up to two minutes each.")
    through = [it.attack for it in findings if it.outcome is Outcome.FAILED]
    click.echo(f"GOT THROUGH: {', '.join(through)}." if through else "No attack got through.")
