"""How clients that poll are told no (RFC 8628 3.5): the words of `refusal`, for these."""

from endorse.core.refusal import Refusal

CLIENT_NOT_FOR_THIS = Refusal(
    "client_not_for_this",
    "unauthorized_client",
    400,
    "This client is not registered for this grant type: see grant_types of its registration.",
    "RFC 6749 5.2",
)
POLL_NOT_GOOD = Refusal(
    "poll_not_good",
    "invalid_grant",
    400,
    "The device_code or auth_req_id is unknown, another client's, or brought its tokens already. "
    "Start again.",
    "RFC 6749 5.2",
)
POLL_PENDING = Refusal(
    "authorization_pending",
    "authorization_pending",
    400,
    "Nobody has decided yet. Ask again, not before the interval has passed.",
    "RFC 8628 3.5",
)
POLL_SLOWER = Refusal(
    "polled_too_soon",
    "slow_down",
    400,
    "This came before the interval had passed. Wait five seconds longer from now on.",
    "RFC 8628 3.5",
)
POLL_EXPIRED = Refusal(
    "poll_expired",
    "expired_token",
    400,
    "The time is over. Ask for new codes, when the person wants to try again.",
    "RFC 8628 3.5",
)
USER_CODE_NOT_GOOD = Refusal(
    "user_code_not_good",
    "invalid_request",
    404,
    "The letters are not those of a device that waits, or were typed before.",
    "RFC 8628 3.3",
)
PERSON_NOT_KNOWN = Refusal(
    "person_not_known",
    "unknown_user_id",
    400,
    "Nobody is asked for this hint. Send the login_hint_token or ID token of a connection that was "
    "not ended, or the bank's name for somebody who has one.",
    "CIBA Core 13",
)
ONE_HINT = Refusal(
    "one_hint",
    "invalid_request",
    400,
    "Send exactly one of login_hint_token, id_token_hint and login_hint.",
    "CIBA Core 7.1",
)
BINDING_MESSAGE = Refusal(
    "binding_message_not_good",
    "invalid_binding_message",
    400,
    "binding_message must have 1 to 40 letters, digits, spaces or . , : # / + - and begin with a "
    "letter or digit.",
    "CIBA Core 13",
)
REQUESTED_EXPIRY = Refusal(
    "requested_expiry_wrong",
    "invalid_request",
    400,
    "requested_expiry must be a positive number of seconds.",
    "CIBA Core 7.1",
)
NOTIFICATION_TOKEN = Refusal(
    "notification_token_not_good",
    "invalid_request",
    400,
    "A client registered for ping must send client_notification_token: a bearer token of 16 to "
    "1024 characters.",
    "CIBA Core 7.1",
)
PROMPTS_TOO_MANY = Refusal(
    "prompts_too_many",
    "slow_down",
    429,
    "This person was asked often of late, or still has your last request. Ask again later.",
)
PROMPTS_UNWANTED = Refusal(
    "prompts_unwanted",
    "access_denied",
    403,
    "The person said that they did not start your last request. Ask nothing for a day.",
    "CIBA Core 13",
)
