"""Every way Endorse says no to a call that does not show the key that it must show."""

from endorse.core.refusal import Refusal

DPOP_NOT_GOOD = Refusal(
    "dpop_proof_not_good",
    "invalid_dpop_proof",
    400,
    "The DPoP header does not prove this call: sign a new proof for each call, with jti, htm, htu, "
    "iat (and ath beside an access token), by ES256, PS256 or EdDSA, with a clock that is right.",
    "RFC 9449 4.3",
)
DPOP_NONCE = Refusal(
    "dpop_nonce_needed",
    "use_dpop_nonce",
    400,
    "Put the nonce of this answer's DPoP-Nonce header into the proof, and try again.",
    "RFC 9449 8",
)
KEY_MISSING = Refusal(
    "key_missing",
    "invalid_request",
    400,
    "This client's tokens are bound to a key: send a DPoP header, or show the certificate that it "
    "is registered for, at the address in mtls_endpoint_aliases.",
    "RFC 9449 5",
)
