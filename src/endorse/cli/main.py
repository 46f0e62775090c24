"""The `endorse` command. Each command imports what it needs when it runs, to start fast."""

import sys
from typing import Any, Final

import click

from endorse import __version__
from endorse.cli.audit_log import audit_log
from endorse.cli.backup import backup, restored
from endorse.cli.keys import keys
from endorse.cli.migrate import migrate
from endorse.cli.options import database_option
from endorse.cli.output import fail, run, show

_PORT = click.IntRange(0, 65535)


# An id is base64url, so one in 64 begins with a hyphen and would be taken for an option.
_ANY_ID: Final = {"ignore_unknown_options": True}


@click.group()
@click.version_option(__version__, prog_name="endorse")
def main() -> None:
    """Bank account access, approved by scanning a code with the bank's own app."""


@main.command()
@click.option("--port", default=8000, show_default=True, type=_PORT, help="Of the bank (0: any).")
@click.option("--app-port", default=8001, show_default=True, type=_PORT, help="Of the demo app.")
@click.option(
    "--database", metavar="URL", help="sqlite:///PATH or postgresql://… to keep the data."
)
@click.option(
    "--issuer", metavar="URL", help="The bank's address, when a TLS proxy stands before it."
)
@click.option("--way", "ways", multiple=True, help="Only these ways to a phone; see the guide.")
@click.option(
    "--approve-as",
    metavar="PERSON",
    help="Approve each request by itself, as this person: for suites that hold no phone.",
)
@click.option(
    "--refuse-client",
    multiple=True,
    metavar="ID",
    help="Refuse each request of this client by itself.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON when ready.")
@click.option("--verbose", is_flag=True, help="Log each step.")
def sandbox(**options: Any) -> None:
    """Run a bank with invented people, and a third-party app that connects to it.

    Without --database everything is forgotten at the end.
    """
    from endorse.cli.sandbox import Wanted, run_sandbox

    run(run_sandbox(Wanted(**options)))


@main.command()
def serve() -> None:
    """Run a bank's own server, with the settings in ENDORSE_* variables.

    Refuses to start on a setting that is missing or unsafe, and says why.
    """
    from endorse.cli.serve import run_server

    run(run_server())


@main.group()
def phone() -> None:
    """Be the bank's app, without a screen."""


@phone.command("approve")
@click.argument("authorize_url")
@click.option("--person", help="Who to be: id or name of an invented person. Otherwise a new one.")
@click.option("--account", "accounts", multiple=True, metavar="IBAN", help="Which to share (all).")
@click.option("--refuse", is_flag=True, help="Say no.")
def phone_approve(
    authorize_url: str, person: str | None, accounts: tuple[str, ...], refuse: bool
) -> None:
    """Play browser and phone for AUTHORIZE_URL; print the URL that leads back to the app.

    The last redirect is printed, not followed. Works against a sandbox.
    """
    from endorse.phone import PhoneError, approve_url

    try:
        click.echo(approve_url(authorize_url, person, accounts, refuse))
    except PhoneError as error:
        fail(f"{error} {error.what_to_do}".strip())


@main.group()
@database_option()
@click.pass_context
def client(context: click.Context, database: str) -> None:
    """Register third-party apps."""
    context.obj = database


@client.command("add")
@click.argument("name")
@click.option("--redirect-uri", "redirect_uris", multiple=True, help="Exactly as it is sent.")
@click.option("--public", is_flag=True, help="It cannot keep a secret; PKCE is then required.")
@click.option(
    "--profile",
    type=click.Choice(["plain", "fapi2"]),
    default="plain",
    show_default=True,
    help="How strict the server is with it: fapi2 is the FAPI 2.0 Security Profile.",
)
@click.option(
    "--jwks", type=click.Path(exists=True, dir_okay=False), help="File of its public keys: JWK set."
)
@click.option("--auth-method", default="", help="By default the one that fits what else is given.")
@click.option(
    "--tls-name",
    default="",
    metavar="KIND=VALUE",
    help="What its certificate must hold: subject_dn, san_dns, san_uri, san_ip or san_email.",
)
@click.option("--dpop", is_flag=True, help="Its tokens are always bound to a key by DPoP.")
@click.option("--mtls", is_flag=True, help="Its tokens are always bound to its certificate.")
@click.option(
    "--message-signing",
    default="",
    metavar="ALG",
    help="It signs each request; answers and introspection are signed for it, by PS256 or ES256.",
)
@click.option("--grant-type", "grant_types", multiple=True, help="Code and refresh if not given.")
@click.option("--payments", is_flag=True, help="It may ask for a payment, which a person signs.")
@click.option("--signed-tokens", is_flag=True, help="Its access tokens are signed, for a minute.")
@click.option("--resource-server", is_flag=True, help="An API of the bank: introspects any token.")
@click.option("--legal-name", default="", help="The company behind it.")
@click.option("--verified", is_flag=True, help="The bank has checked who it is.")
@click.option("--scope", default="accounts balances transactions offline_access", show_default=True)
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 180))
@click.option(
    "--way",
    "ways",
    multiple=True,
    help="The only ways to a phone for its requests: qr, link, short_code, near. All if not given.",
)
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def client_add(database: str, /, name: str, as_json: bool, **registered: Any) -> None:
    """Register the app NAME and show its secret, once."""
    from endorse.cli.client import NewClient, add_client

    show(run(add_client(database, NewClient(name=name, **registered))), as_json)


@client.command("list")
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def client_list(database: str, as_json: bool) -> None:
    """List the registered apps."""
    from endorse.cli.client import list_clients

    for place, found in enumerate(run(list_clients(database))):
        if place and not as_json:
            click.echo()
        show(found, as_json)


@client.command("rotate", context_settings=_ANY_ID)
@click.argument("client_id")
@click.option("--overlap-days", default=7, show_default=True, type=click.IntRange(0, 90))
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def client_rotate(database: str, client_id: str, overlap_days: int, as_json: bool) -> None:
    """Give the app a new secret; the old one works for some days more."""
    from endorse.cli.client import rotate_secret

    show(run(rotate_secret(database, client_id, overlap_days)), as_json)


@client.command("invite")
@click.argument("legal_name")
@click.option(
    "--profile", type=click.Choice(["plain", "fapi2"]), default="plain", show_default=True
)
@click.option("--uses", default=1, show_default=True, type=click.IntRange(1, 1000))
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 90))
@click.option("--json", "as_json", is_flag=True)
@click.pass_obj
def client_invite(
    database: str, legal_name: str, profile: str, uses: int, days: int, as_json: bool
) -> None:
    """Let the company LEGAL_NAME register apps itself: shows an initial access token, once."""
    from endorse.cli.client import invite

    show(run(invite(database, legal_name, profile, uses, days)), as_json)


@client.command("remove", context_settings=_ANY_ID)
@click.argument("client_id")
@click.pass_obj
def client_remove(database: str, client_id: str) -> None:
    """End the app CLIENT_ID for good, with everything that people granted to it."""
    from endorse.cli.client import remove_client

    run(remove_client(database, client_id))


@main.group()
@click.option(
    "--database",
    envvar="ENDORSE_DATABASE",
    metavar="URL",
    help="The server's, or ENDORSE_DATABASE.",
)
@click.pass_context
def evidence(context: click.Context, database: str | None) -> None:
    """Look at what people signed, and check it without the server."""
    context.obj = database


@evidence.command("show", context_settings=_ANY_ID)
@click.argument("grant")
@click.pass_obj
def evidence_show(database: str | None, grant: str) -> None:
    """Print everything that was signed for GRANT, as canonical JSON."""
    from endorse.cli.evidence import load

    click.echo(run(load(database, grant)))


@evidence.command("verify", context_settings=_ANY_ID)
@click.argument("grant_or_file")
@click.option("--issuer", metavar="URL", help="The bank that it must be of.")
@click.pass_obj
def evidence_verify(database: str | None, grant_or_file: str, issuer: str | None) -> None:
    """Check each signature of GRANT_OR_FILE, and that the grant gives no more than was signed.

    A file is what `endorse evidence show` printed or the phone downloaded. Says what holds and what
    does not; the exit status is 1 if anything does not.
    """
    from pathlib import Path

    from endorse.cli.evidence import check, kept, load

    path = Path(grant_or_file)
    try:
        text = kept(path) if path.is_file() else run(load(database, grant_or_file))
    except ValueError as error:
        fail(str(error))
    findings = check(text, issuer)
    for what, wrong in findings:
        click.echo(f"NO  {what}: {wrong}" if wrong else f"ok  {what}")
    if any(wrong for _, wrong in findings):
        sys.exit(1)


@main.command()
@click.argument("url")
@click.option(
    "--client",
    "client_file",
    type=click.Path(exists=True, dir_okay=False),
    help="File of the line that `endorse sandbox --json` printed: id, secret, redirect URI.",
)
@click.option("--client-id", default="budgetly", show_default=True)
@click.option("--client-secret", envvar="ENDORSE_AUDIT_CLIENT_SECRET", show_envvar=True)
@click.option("--redirect-uri", default="http://127.0.0.1:8001/callback", show_default=True)
@click.option(
    "--phone",
    "phones",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="A saved phone (`Phone.to_dict` as JSON), each of another person; repeat it.",
)
@click.option("--enrolment-code", help="A fresh one of the first phone's person, for attack 26.")
@click.option("--only", metavar="7,8b", help="These attacks, by their numbers.")
@click.option("--patient", is_flag=True, help="Wait up to two minutes for what must run out.")
@click.option("--with-permission", is_flag=True, help="The operator agreed; URL may be elsewhere.")
@click.option("--json", "as_json", is_flag=True)
def audit(url: str, only: str | None, with_permission: bool, **options: Any) -> None:
    """Try the known attacks on QR approval at URL, from outside.

    Against a sandbox the URL is enough; with --client its token endpoint is tried as well. The exit
    status is 0 when no attack got through, 1 when one did, 2 when the server could not be audited.
    """
    from endorse.cli.audit import NOT_AUDITED, Wanted, check, run_audit

    chosen = tuple(number.strip() for number in only.split(",")) if only else ()
    wanted = Wanted(url=url, only=chosen, permitted=with_permission, **options)
    check(wanted)
    status = run(run_audit(wanted))
    sys.exit(NOT_AUDITED if status is None else status)


@main.group()
def person() -> None:
    """Help the bank's people."""


@person.command("enrol")
@click.argument("person_id")
@click.option("--json", "as_json", is_flag=True)
@click.option("--png", type=click.Path(dir_okay=False), help="Also write the QR code to this file.")
def person_enrol(person_id: str, as_json: bool, png: str | None) -> None:
    """Issue a code with which PERSON_ID can enrol a phone, and show it as a QR code.

    Uses the settings of `endorse serve`. The code works once, for ten minutes. The phone then
    shows six digits: see `endorse person confirm`.
    """
    from endorse.cli.person import issue_enrolment

    link = run(issue_enrolment(person_id))
    if as_json:
        show({"link": link}, as_json=True)
    else:
        from endorse.cli.qr import in_terminal

        click.echo(in_terminal(link))
        click.echo(link)
    if png is not None:
        from endorse.cli.qr import write_png

        try:
            write_png(link, png)
        except OSError as error:
            # The code was issued and is shown above: it still works.
            fail(f"The picture could not be written: {error}")


@person.command("confirm")
@click.argument("person_id")
@click.argument("digits", nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True)
def person_confirm(person_id: str, digits: tuple[str, ...], as_json: bool) -> None:
    """Confirm the new phone of PERSON_ID that shows these six DIGITS.

    Make sure first who the person is, and let them read the digits from the phone in their hand.
    If they have another phone, the new one may act after a day. Three wrong tries revoke it.
    """
    from endorse.cli.person import confirm

    show(run(confirm(person_id, "".join("".join(digits).split()))), as_json)


@person.command("phones")
@click.argument("person_id")
@click.option("--json", "as_json", is_flag=True)
def person_phones(person_id: str, as_json: bool) -> None:
    """List the phones of PERSON_ID, the newest first."""
    from endorse.cli.person import list_phones

    for found in run(list_phones(person_id)):
        show(found, as_json)


# An id may begin with a dash, and would pass for an option.
@person.command("revoke", context_settings={"ignore_unknown_options": True})
@click.argument("person_id")
@click.argument("phone_id", required=False)
@click.option("--json", "as_json", is_flag=True)
def person_revoke(person_id: str, phone_id: str | None, as_json: bool) -> None:
    """End the phone PHONE_ID of PERSON_ID at once, or all their phones.

    What they approved stays until they end it. Enrol a new phone with `endorse person enrol`.
    """
    from endorse.cli.person import revoke

    for ended in run(revoke(person_id, phone_id)):
        show(ended, as_json)


main.add_command(keys)
main.add_command(migrate)
main.add_command(audit_log)
main.add_command(backup)
main.add_command(restored)
