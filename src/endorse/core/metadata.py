"""What a client registers beyond its names and addresses, in the words of RFC 7591 2."""

from typing import Final

import msgspec

PLAIN: Final = "plain"
FAPI2: Final = "fapi2"
PROFILES: Final = (PLAIN, FAPI2)
"""`plain`: the simple code flow. `fapi2`: the FAPI 2.0 Security Profile, enforced whole."""

SECRET_METHODS: Final = ("client_secret_basic", "client_secret_post")
MTLS_METHODS: Final = ("tls_client_auth", "self_signed_tls_client_auth")
KEY_METHODS: Final = ("private_key_jwt", *MTLS_METHODS)
AUTH_METHODS: Final = (*SECRET_METHODS, *KEY_METHODS, "none")

CODE: Final = "authorization_code"
REFRESH: Final = "refresh_token"
CLIENT_CREDENTIALS: Final = "client_credentials"
CIBA: Final = "urn:openid:params:grant-type:ciba"
DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_TYPES: Final = (CODE, REFRESH, CLIENT_CREDENTIALS, CIBA, DEVICE)


SIGNED: Final = "at+jwt"
"""The `access_token_format` of a client whose access tokens are signed (RFC 9068)."""


class Metadata(msgspec.Struct, frozen=True, omit_defaults=True):
    """A client's metadata (RFC 7591 2, RFC 8705 2.1.2, RFC 9101 10.5, RFC 9126 6, RFC 9449 5.2).

    Stored as one JSON text: what is registered is read whole, and new names need no migration.
    """

    token_endpoint_auth_method: str = "client_secret_basic"
    token_endpoint_auth_signing_alg: str = ""
    """The only algorithm of its assertions; "" for each that its profile allows."""
    jwks: str = ""
    """The client's public keys as the JSON text of a JWK set (RFC 7517 5); "" for none."""
    grant_types: tuple[str, ...] = (CODE, REFRESH)

    authorization_details_types: tuple[str, ...] = ("account_information",)
    """What it may ask for in `authorization_details` (RFC 9396 10); payments only by name."""
    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    request_object_signing_alg: str = ""
    authorization_signed_response_alg: str = ""
    """The algorithm of signed authorization responses (JARM); "" for the server's usual."""

    dpop_bound_access_tokens: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    tls_client_auth_subject_dn: str = ""
    tls_client_auth_san_dns: str = ""
    tls_client_auth_san_uri: str = ""
    tls_client_auth_san_ip: str = ""
    tls_client_auth_san_email: str = ""

    id_token_signed_response_alg: str = "RS256"
    """What OpenID Connect has for its usual; a client of `fapi2` registers another one."""
    introspection_signed_response_alg: str = ""
    access_token_format: str = "opaque"
    """`opaque`, or `at+jwt` for RFC 9068."""

    backchannel_token_delivery_mode: str = ""
    """`poll` or `ping`; "" where the client does not use CIBA."""
    backchannel_client_notification_endpoint: str = ""
    backchannel_authentication_request_signing_alg: str = ""

    resource_server: bool = False
    """Whether it is an API of the bank, which may introspect every token. Only the bank says so:
    it is no member of RFC 7591, and no client registers it."""

    client_uri: str = ""
    contacts: tuple[str, ...] = ()
    software_id: str = ""
    software_version: str = ""
    vouched_by: str = ""
    """Whose software statement alone vouches for it; "" where the bank itself did. No wire name."""


BANKS_OWN: Final = (
    "vouched_by",
    "access_token_format",
    "resource_server",
    "authorization_details_types",
)
"""What no client says of itself, in no registration: how the bank sees it, and whether it may ask
for payments."""
