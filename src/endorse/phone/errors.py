"""What can go wrong on the phone or in the browser it plays, each with a code and a way on."""

from __future__ import annotations


class PhoneError(Exception):
    """Anything that stops the headless phone.

    `code` is a stable name for programs. `what_to_do` tells the developer the next step; a
    traceback shows both below the message.
    """

    code = "phone_error"
    what_to_do = "Read the message; it says what happened."

    def __init__(
        self, message: str, *, code: str | None = None, what_to_do: str | None = None
    ) -> None:
        self.code = code or type(self).code
        self.what_to_do = what_to_do or type(self).what_to_do
        super().__init__(message)
        self.add_note(f"What to do ({self.code}): {self.what_to_do}")


class UnsafeIssuer(PhoneError):
    """The issuer's address is none that a phone may speak to."""

    code = "unsafe_issuer"
    what_to_do = "Use an https issuer; http is only for localhost, 127.0.0.1 and [::1]."


class NotReachable(PhoneError):
    """No answer came: wrong port, server not started yet, TLS or network trouble."""

    code = "not_reachable"
    what_to_do = "Check that the server runs and that the address and port are right."


class NotUnderstood(PhoneError):
    """An answer came that the documented interface does not know."""

    code = "answer_not_understood"
    what_to_do = "Check that the address is an Endorse server of the same version."


class ConsentNotTrusted(PhoneError):
    """The document to sign is not what the phone was told, or not for this phone."""

    code = "consent_not_trusted"
    what_to_do = "Do not approve. Something between the server and the phone changed the document."


class PasskeyNotUsable(PhoneError):
    """The passkey cannot answer these WebAuthn options."""

    code = "passkey_not_usable"
    what_to_do = "Check the server's WebAuthn options: rpId, algorithms and allowed credentials."


class NotEnrolled(PhoneError):
    """The phone belongs to nobody yet."""

    code = "not_enrolled"
    what_to_do = "Call `enrol` with a code from the bank first."


class NotReadable(PhoneError):
    """No QR code was found in the image."""

    code = "code_not_readable"
    what_to_do = "Give a sharper or larger picture, with some white around the code."


class PersonNotKnown(PhoneError):
    """The sandbox has no person of this name."""

    code = "person_not_known"
    what_to_do = "Name one of the people that the sandbox lists, or name none."


class AccountNotKnown(PhoneError):
    """The person has no account with this IBAN."""

    code = "account_not_known"
    what_to_do = "Name IBANs of this person's own accounts, or name none to choose all."


class TookTooLong(PhoneError):
    """The whole approval did not end in the time given."""

    code = "took_too_long"
    what_to_do = "Look at the server's log, or give a longer `timeout`."


class JourneyEnded(PhoneError):
    """The journey ended before an answer could go back to the client.

    `state` is the last state; `reason` says why, where the server tells.
    """

    code = "journey_ended"
    what_to_do = "Begin again with a fresh authorization URL."

    def __init__(self, state: str, reason: str | None = None) -> None:
        self.state = state
        self.reason = reason
        why = f" ({reason})" if reason else ""
        super().__init__(f"The journey ended as {state}{why}.", code=f"journey_{state}")


class Refused(PhoneError):
    """The server answered an error, or would have.

    `status` is the HTTP status, `None` where the phone itself said no. `state` is the journey's
    state and `tries_left` a number of tries, where the server tells them.
    """

    code = "refused"
    what_to_do = "Read the message; it is the server's."

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        state: str | None = None,
        tries_left: int | None = None,
    ) -> None:
        self.status = status
        self.state = state
        self.tries_left = tries_left
        super().__init__(message, code=code)


class InvalidRequest(Refused):
    code = "invalid_request"
    what_to_do = "Check the fields of the call against /phone/openapi.json."


class InvalidProof(Refused):
    code = "invalid_proof"
    what_to_do = "Check the clock of this machine, and that the issuer is the server's own address."


class SignInRequired(Refused):
    code = "sign_in_required"
    what_to_do = "Call `sign_in`, then repeat the call."


class PhoneNotKnown(Refused):
    code = "phone_not_known"
    what_to_do = "Enrol the phone again with a new code."


class PhonePending(Refused):
    code = "phone_pending"
    what_to_do = "Have its digits confirmed (`endorse person confirm`, `Phone.confirm`), or wait."


class AnotherPhonePending(Refused):
    code = "another_phone_pending"
    what_to_do = "Confirm or revoke the phone that waits (`endorse person phones`), then try again."


class EnrolmentCodeUsed(Refused):
    code = "enrolment_code_used"
    what_to_do = "If it was not you who used the code: `endorse person revoke`, then a new code."


class WrongDigits(Refused):
    code = "wrong_digits"
    what_to_do = "Read the digits on the new phone itself; `.tries_left` says how often."


class CodeNotAccepted(Refused):
    code = "code_not_accepted"
    what_to_do = "Take a fresh code: one on a screen lives for seconds, one to enrol works once."


class AlreadyScanned(Refused):
    code = "already_scanned"
    what_to_do = "Begin again in the browser; another person's phone scanned this code."


class NotFound(Refused):
    code = "not_found"
    what_to_do = "Use only journeys and connections of this phone's own person."


class WrongState(Refused):
    code = "wrong_state"
    what_to_do = "Look at `.state`: the journey is elsewhere than this call expects."


class AccountsNotAccepted(Refused):
    code = "accounts_not_accepted"
    what_to_do = "Choose at least one account, each once, of those that `match` listed."


class PasskeyNotAccepted(Refused):
    code = "passkey_not_accepted"
    what_to_do = "Sign the last options with this phone's own passkey, user verified."


class ConnectionEnded(Refused):
    code = "connection_ended"
    what_to_do = "Begin a new connection in the browser; one that is over does not come back."


class ConnectionChanged(Refused):
    code = "connection_changed"
    what_to_do = "Read `connections` again, then call `renew` anew and sign the new document."


class OtherPhone(Refused):
    code = "other_phone"
    what_to_do = "Take accounts away on the phone that approved last, or renew on this one first."


class NotRenewable(Refused):
    code = "not_renewable"
    what_to_do = "Look at the connection's `renewable_until`; it says whether it can be renewed."


class SlowDown(Refused):
    code = "slow_down"
    what_to_do = "Wait a minute, then try again."


_BY_CODE: dict[str, type[Refused]] = {
    kind.code: kind
    for kind in (
        InvalidRequest,
        InvalidProof,
        SignInRequired,
        PhoneNotKnown,
        PhonePending,
        AnotherPhonePending,
        EnrolmentCodeUsed,
        WrongDigits,
        CodeNotAccepted,
        AlreadyScanned,
        NotFound,
        WrongState,
        AccountsNotAccepted,
        PasskeyNotAccepted,
        ConnectionEnded,
        ConnectionChanged,
        OtherPhone,
        NotRenewable,
        SlowDown,
    )
}


def refusal(
    code: str,
    message: str,
    status: int,
    state: str | None = None,
    tries_left: int | None = None,
) -> Refused:
    """The typed error for a server's `error` code; a code not listed gives plain `Refused`."""
    kind = _BY_CODE.get(code, Refused)
    return kind(message, code=code, status=status, state=state, tries_left=tries_left)
