"""Who approved, as a client may know it (OpenID Connect Core)."""

from endorse.core.coding import b64url, mac


def subject(server_key: bytes, client_id: str, person_id: str) -> str:
    """Derive what a client knows a person by: the same for ever, and another at each client.

    A pairwise identifier (OpenID Connect Core 8.1): two clients that compare theirs learn nothing,
    and the bank's own name for the person cannot be found from it without the server's key.
    """
    return b64url(mac(server_key, b"openid-subject", client_id.encode(), person_id.encode()))


def subject_of(server_key: bytes, client_id: str, person_id: str) -> str:
    """Give the `sub` of a token: its person, or the client itself where it concerns nobody.

    RFC 9068 2.2; a client_id cannot be taken for a person's: it never has 43 characters.
    """
    return subject(server_key, client_id, person_id) if person_id else client_id
