"""Every way Endorse says no: the stable name, the wire's error code, the status, what is told.

A refusal is a value that a decision carries, not an exception: it may come with changes (a
replayed code revokes its grant) and those are committed. `told` reaches the other side and says
what to do next; `detail` only reaches the log.
"""

import msgspec


class Refusal(msgspec.Struct, frozen=True):
    """One refusal. `name` is stable and finds its documentation; `error` is the wire's code."""

    name: str
    error: str
    status: int
    told: str
    spec: str = ""
    detail: str = ""
    also: tuple[tuple[str, str | int], ...] = ()
    """Further members of a JSON answer, for the program that reads it."""

    def because(self, detail: str) -> "Refusal":
        """Give the same refusal with a reason for the log."""
        return msgspec.structs.replace(self, detail=detail)


def page_of(no: Refusal, issuer: str) -> str:
    """Give the address of the page about a refusal: the `error_uri` (RFC 6749 4.1.2.1, 5.2)."""
    return f"{issuer}/errors/{no.name}"


def _oauth(name: str, error: str, told: str, spec: str, status: int = 400) -> Refusal:
    return Refusal(name, error, status, told, spec)


def missing(parameter: str, spec: str) -> Refusal:
    """Refuse because a required parameter did not come, or came empty."""
    told = f"The parameter {parameter} is missing. Send it once, with a value."
    return _oauth("parameter_missing", "invalid_request", told, spec)


def doubled(parameter: str, spec: str) -> Refusal:
    """Refuse because a parameter came more than once (RFC 6749 3.1, 3.2)."""
    told = f"The parameter {parameter} came more than once. Send it once."
    return _oauth("parameter_doubled", "invalid_request", told, spec)


def too_long(parameter: str, limit: int) -> Refusal:
    """Refuse because a value is longer than any real one."""
    told = f"The parameter {parameter} is longer than {limit} bytes."
    return _oauth("parameter_too_long", "invalid_request", told, "")


def not_text(parameter: str) -> Refusal:
    """Refuse because a value is not UTF-8 or holds control characters."""
    told = f"The parameter {parameter} is not plain UTF-8 text."
    return _oauth("parameter_not_text", "invalid_request", told, "RFC 6749 A")


# --- the authorization endpoint -----------------------------------------------------------------
# More of them stand in `refusal_requests`.

RESPONSE_TYPE_UNSUPPORTED = _oauth(
    "response_type_unsupported",
    "unsupported_response_type",
    "response_type must be: code.",
    "RFC 6749 4.1.1",
)
RESPONSE_MODE_UNSUPPORTED = _oauth(
    "response_mode_unsupported",
    "invalid_request",
    "response_mode must be one of those in this server's metadata, or not be sent.",
    "OAuth 2.0 Multiple Response Types 2.1",
)
SCOPE_UNKNOWN = _oauth(
    "scope_unknown",
    "invalid_scope",
    "scope may hold: accounts, balances, transactions, offline_access; at least one that shows "
    "something, and only what this client is registered for.",
    "RFC 6749 3.3",
)
PKCE_METHOD = _oauth(
    "pkce_method",
    "invalid_request",
    "code_challenge_method must be S256 and code_challenge 43 base64url characters.",
    "RFC 7636 4.3",
)
PKCE_REQUIRED = _oauth(
    "pkce_required",
    "invalid_request",
    "This client must send code_challenge with code_challenge_method=S256.",
    "RFC 9700 2.1.1",
)
ACCESS_DENIED = _oauth(
    "access_denied",
    "access_denied",
    "The account holder did not approve.",
    "RFC 6749 4.1.2.1",
)

# --- clients and tokens -------------------------------------------------------------------------

CREDENTIALS_WRONG_TOO_OFTEN = _oauth(
    "credentials_wrong_too_often",
    "invalid_client",
    "Too many calls with wrong credentials of this client came from this address. Wait a minute, "
    "and check them.",
    "RFC 6749 2.3.1",
    status=429,
)
CLIENT_UNKNOWN = _oauth(
    "client_not_authenticated",
    "invalid_client",
    "Client authentication failed: check client_id, and that the client authenticates as it is "
    "registered: with its secret, a fresh assertion of its key, or its certificate.",
    "RFC 6749 5.2",
    status=401,
)
CLIENT_AUTH_TWICE = _oauth(
    "client_authenticated_twice",
    "invalid_request",
    "The client authenticated in more than one way. Use one: HTTP Basic, the form or an assertion.",
    "RFC 6749 2.3",
)
ASSERTION_TYPE = _oauth(
    "client_assertion_type",
    "invalid_request",
    "Send client_assertion together with client_assertion_type="
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer.",
    "RFC 7521 4.2",
)
CERTIFICATE_UNREADABLE = _oauth(
    "client_certificate_unreadable",
    "invalid_request",
    "The client certificate did not arrive in a form that can be read. Show an X.509 certificate; "
    "if you do, tell the bank.",
    "RFC 9440 2.2",
)
GRANT_TYPE_UNSUPPORTED = _oauth(
    "grant_type_unsupported",
    "unsupported_grant_type",
    "grant_type must be one of grant_types_supported in the metadata.",
    "RFC 6749 5.2",
)
CODE_NOT_GOOD = _oauth(
    "code_not_good",
    "invalid_grant",
    "The code is unknown, used, older than 60 s, or was made for another client, redirect_uri or "
    "code_verifier. Start again at the authorization endpoint.",
    "RFC 6749 5.2",
)
REFRESH_NOT_GOOD = _oauth(
    "refresh_token_not_good",
    "invalid_grant",
    "The refresh token is unknown, replaced, or its connection has ended. Ask the person again.",
    "RFC 6749 5.2",
)
SCOPE_WIDER = _oauth(
    "scope_wider",
    "invalid_scope",
    "scope may only narrow what the person granted.",
    "RFC 6749 6",
)
TOKEN_NOT_GOOD = _oauth(
    "access_token_not_good",
    "invalid_token",
    "The access token is unknown, expired or revoked. Refresh it, or ask the person again.",
    "RFC 6750 3.1",
    status=401,
)
TOKEN_MISSING = _oauth(
    "access_token_missing",
    "",
    "Send the access token as: Authorization: Bearer <token>, or DPoP <token> beside its proof.",
    "RFC 6750 3",
    status=401,
)
SCOPE_INSUFFICIENT = _oauth(
    "scope_insufficient",
    "insufficient_scope",
    "The access token does not cover this. Ask for the scope that it needs.",
    "RFC 6750 3.1",
    status=403,
)

# --- the phone ----------------------------------------------------------------------------------

CODE_NOT_ACCEPTED = Refusal(
    "code_not_accepted",
    "code_not_accepted",
    404,
    "This code is not accepted. Scan the code that is on the screen now.",
)
ALREADY_SCANNED = Refusal(
    "already_scanned",
    "already_scanned",
    409,
    "Somebody else scanned this code before. It has been stopped; start again on the computer.",
)
CLAIMS_STOPPED = Refusal(
    "claims_stopped",
    "claims_stopped",
    429,
    "Three wrong numbers were typed within an hour. No code is accepted for the next hour: "
    "somebody may be showing you screens that are not yours.",
)
NUMBER_MISSING = Refusal(
    "number_missing",
    "invalid_request",
    400,
    "Send the number that the page shows, as number: 10 to 99.",
)
NUMBER_WRONG = Refusal(
    "number_wrong",
    "number_wrong",
    409,
    "The number is not the page's. The request has been stopped; start again on the computer.",
)
RISK_TOO_HIGH = Refusal(
    "risk_too_high",
    "risk_too_high",
    403,
    "This request is not safe enough to go on. It has been stopped.",
)
WAY_NOT_OFFERED = Refusal(
    "way_not_offered",
    "way_not_offered",
    404,
    "This request cannot reach a phone in this way.",
)
JOURNEY_NOT_FOUND = Refusal(
    "not_found", "not_found", 404, "This phone has no such request or connection."
)
SIGN_IN_REQUIRED = Refusal(
    "sign_in_required", "sign_in_required", 401, "Sign in on this phone with its passkey."
)
PHONE_NOT_KNOWN = Refusal(
    "phone_not_known", "phone_not_known", 404, "This phone is not enrolled. Enrol it again."
)
PHONE_PENDING = Refusal(
    "phone_pending",
    "phone_pending",
    403,
    "This phone may not act yet. Its six digits must be confirmed at the bank's desk or on another "
    "phone of the person; a confirmation by the desk may take a day to count.",
)
PHONE_WAITS = Refusal(
    "another_phone_pending",
    "another_phone_pending",
    409,
    "Another phone has joined this account and waits for its six digits. If it is not yours, tell "
    "your bank at once.",
)
ENROLMENT_USED = Refusal(
    "enrolment_code_used",
    "enrolment_code_used",
    409,
    "Another phone has joined with this code. If it is not yours, tell your bank at once.",
)
PHONE_NOT_FOUND = Refusal("not_found", "not_found", 404, "This person has no such phone.")
NO_PHONE_WAITS = Refusal(
    "no_phone_pending",
    "no_phone_pending",
    404,
    "No phone of this person waits for its digits. Enrol one with a new code.",
)
PROOF_NOT_GOOD = Refusal(
    "invalid_proof",
    "invalid_proof",
    401,
    "The DPoP header does not prove this call: sign htm, htu, iat, jti, bsh (and ath) anew, with "
    "the enrolled device key and a right clock.",
    "RFC 9449 4.3",
)
PASSKEY_NOT_GOOD = Refusal(
    "passkey_not_accepted",
    "passkey_not_accepted",
    403,
    "The passkey's answer is not accepted. Use this phone's passkey, with user verification, over "
    "the last challenge.",
)
ACCOUNTS_NOT_GOOD = Refusal(
    "accounts_not_accepted",
    "accounts_not_accepted",
    400,
    "Choose at least one account, each once, from the list that /phone/match answered.",
)
ACCOUNTS_NOT_FEWER = Refusal(
    "accounts_not_fewer",
    "accounts_not_accepted",
    400,
    "Name the accounts that stay: at least one, each once, and fewer than the connection has.",
)
CONNECTION_ENDED = Refusal(
    "connection_ended", "connection_ended", 409, "This connection is over. Nothing can change it."
)
CONNECTION_CHANGED = Refusal(
    "connection_changed",
    "connection_changed",
    409,
    "This connection changed meanwhile. Look at it again, and begin anew.",
)
OTHER_PHONE = Refusal(
    "other_phone",
    "other_phone",
    403,
    "Accounts are taken away on the phone that approved last. Renew the connection here, or end "
    "it.",
)
NOT_RENEWABLE = Refusal(
    "not_renewable",
    "not_renewable",
    409,
    "This connection cannot be renewed: it is for one time, or one of its accounts is gone "
    "(take that away first), or the app may not ask for it any more, or it would not last longer.",
)
SLOW_DOWN = Refusal("slow_down", "slow_down", 429, "Too many tries. Wait a minute and try again.")


def accounts_number(least: int, most: int | None) -> Refusal:
    """Refuse a choice of fewer or more accounts than the client needs."""
    if most is None and least == 1:
        return ACCOUNTS_NOT_GOOD
    told = f"Choose {least} account" + ("s" if least != 1 else "")
    told += "" if most == least else f" at least, and {most} at most" if most else " at least"
    return Refusal("accounts_number", "accounts_not_accepted", 400, told + ".")


def too_early(wait: int) -> Refusal:
    """Refuse an approval under a warning until the person had time to read it, in seconds."""
    told = f"There is a warning to read first. Approve in {wait} s."
    return Refusal("too_early", "too_early", 409, told, also=(("wait", wait),))


def wrong_state(state: str, event: str) -> Refusal:
    """Refuse an event that the table of states does not allow now."""
    told = f"The request is in the state {state}."
    detail, also = f"{event} in {state}", (("state", str(state)),)
    return Refusal("wrong_state", "wrong_state", 409, told, detail=detail, also=also)


def wrong_digits(tries_left: int) -> Refusal:
    """Refuse digits that are not those on the new phone; without a try left it is revoked."""
    told = "These are not the six digits that the new phone shows. " + (
        "Look again." if tries_left else "The new phone has been removed; start with a new code."
    )
    also = (("tries_left", tries_left),)
    return Refusal("wrong_digits", "wrong_digits", 403, told, also=also)
