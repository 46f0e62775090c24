"""How an answer leaves for the client: as a redirect, or as a form that the browser posts."""

from starlette.responses import Response

from endorse.core.answer import Reply
from endorse.server import wire
from endorse.server.desk import Desk
from endorse.server.pages import Pages


def leave(desk: Desk, pages: Pages, reply: Reply, language: str) -> Response:
    """Send the browser back to the client with an answer, in the way that the client asked."""
    return wire.see_other(reply.location)
