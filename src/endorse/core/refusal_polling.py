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
    "The device_code is unknown, another client's, or brought its tokens already. Start again.",
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
