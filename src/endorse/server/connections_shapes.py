"""The JSON of the calls about a person's connections, and of what their phones are told."""

from typing import Annotated

import msgspec

from endorse.core.details import Details
from endorse.core.model import SharedAccount
from endorse.server.shapes import Handle, Shape, Text, Who


class Connection(Shape, frozen=True):
    """A grant, as its person sees it. Times are RFC 3339 in UTC.

    `removed` are accounts that were taken away. `ended_by` is phone, client, bank or misuse.
    `renewable_until` is until when it would last if it were renewed now, null if it cannot be.
    `can_narrow` says whether this phone may take accounts away.
    """

    grant_id: str
    client: Who
    scope: tuple[str, ...]
    accounts: tuple[SharedAccount, ...]
    removed: tuple[SharedAccount, ...]
    created_at: str
    last_used_at: str | None
    valid_until: str
    ended_at: str | None
    ended_by: str | None
    renewable_until: str | None
    can_narrow: bool
    authorization_details: Details = ()


class Connections(Shape, frozen=True):
    """All connections of the person, the newest first; ended ones for two years."""

    connections: list[Connection]


class Ended(Shape, frozen=True):
    """A connection that is over, and since when."""

    grant_id: str
    ended_at: str


class AccountsThatStay(Shape, frozen=True):
    """The accounts that a connection keeps, by resourceId: some, and fewer than it has."""

    accounts: Annotated[list[Handle], msgspec.Meta(max_length=100)]


class Renewal(Shape, frozen=True):
    """A consent document that renews a connection, and the passkey options over its hash.

    Send `renewal` back unread with the passkey's answer within `expires_in` seconds.
    """

    grant_id: str
    document: str
    options: msgspec.Raw
    renewal: str
    expires_in: int


class RenewalApproval(Shape, frozen=True):
    """`renewal` and `document` as they came, and the passkey's answer over the document."""

    renewal: Text
    document: Annotated[str, msgspec.Meta(min_length=1, max_length=48 * 1024)]
    credential: msgspec.Raw


# --- notices ------------------------------------------------------------------------------------


class Notice(Shape, frozen=True):
    """Something that happened: a kind, and what it is about. The phone has the texts.

    Kinds: connection_made, connection_narrowed, connection_renewed, connection_ended,
    phone_enrolled, phone_confirmed, phone_revoked, claims_stopped. `by` is phone, client, bank or
    misuse (a code or refresh token came twice, or three numbers were wrong). `phone_id` and
    `phone_name` are the phone that it is about, or that did it.
    """

    id: str
    at: str
    kind: str
    by: str
    unread: bool
    phone_id: str | None
    phone_name: str | None
    grant_id: str | None
    client_name: str | None


class Notices(Shape, frozen=True):
    """What the person's phones were told within 180 days, the newest first, at most 100."""

    notices: list[Notice]


class NoticeIds(Shape, frozen=True):
    """Notices that this phone has shown."""

    notices: Annotated[list[Handle], msgspec.Meta(max_length=100)]
