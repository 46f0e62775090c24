"""The bank's API with a token that is bound by DPoP: each call brings a new proof of possession."""

from bench.browser import Tokens
from bench.calls import good
from bench.flows import Place
from bench.http import Connection
from bench.load import Lane, Work
from bench.phone import enrol
from bench.server import Running
from bench.strict import StrictApp, StrictClient


async def proven(server: Running, at_once: int, app: StrictApp) -> Work:
    """Give lanes that call the API with one token, each time with a new proof."""
    tokens = await _approved(server, app)

    def lane() -> Lane:
        connection = Connection(server.port)
        client = StrictClient(app, connection)

        async def turn() -> None:
            answer = await connection.send(client.call(tokens.access_token))
            if app.heard(answer):
                answer = await connection.send(client.call(tokens.access_token))
            good(answer, b'"accounts"')

        return Lane(turn, connection.close)

    return Work([lane() for _ in range(at_once)])


async def _approved(server: Running, app: StrictApp) -> Tokens:
    [phone] = await enrol(server.facts.issuer, 1)
    place = Place(server, phone, app)
    tokens, _ = await place.flow()
    place.close()
    return tokens
