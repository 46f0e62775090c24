"""Five thousand redirect URIs and states: none leads elsewhere, and each state comes back."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, quote_from_bytes, urlsplit

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests import parts
from tests.flows import play
from tests.serving import CALLBACK, Served

pytestmark = pytest.mark.anyio

A_BATCH = 50
BATCHES = 50 if not parts.SOAK else 500
many = settings(
    max_examples=BATCHES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a batch of fifty shrinks for minutes
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.large_base_example,
    ],
)

HOSTS = ["app.example", "evil.example", "app.example.evil.example", "app.example@evil.example"]
HOSTS += ["evil.example\\app.example", "evil.example#app.example", "[::1]", "app。example", ""]
TAILS = ["/callback", "/callback/", "/callback?", "/callback#", "/callback/..", "/callback%2f"]
TAILS += ["/callback;x", "/callback?code=x", "/callback\t", "/callback\r\nLocation: x", "//"]
SCHEMES = ["https://", "http://", "javascript:", "data:", "//", "https:", "https:///", " https://"]

pieces = st.sampled_from(SCHEMES + HOSTS + TAILS) | st.text(max_size=6)
uris = (
    st.builds("{}{}{}".format, st.sampled_from(SCHEMES), st.sampled_from(HOSTS), pieces)
    | st.lists(pieces, max_size=4).map("".join)
    | st.text(max_size=30).map(lambda tail: CALLBACK + tail)
    | st.integers(0, len(CALLBACK) - 1).map(lambda at: CALLBACK[:at] + CALLBACK[at + 1 :])
    | st.integers(0, len(CALLBACK) - 1).map(
        lambda at: CALLBACK[:at] + CALLBACK[at].swapcase() + CALLBACK[at + 1 :]
    )
).filter(lambda uri: uri != CALLBACK)
states = st.binary(min_size=1, max_size=60) | st.text(min_size=1, max_size=40).map(
    lambda text: text.encode("utf-8", "surrogatepass")
)


async def opened(served: Served, changes: list[str]) -> list[httpx2.Response]:
    """Open the authorization endpoint with each of these further parameters, all at once."""
    base = f"response_type=code&client_id={served.app.client_id}&scope=accounts"
    urls = [
        httpx2.URL(served.url("/auth")).copy_with(query=f"{base}&{change}".encode())
        for change in changes
    ]
    return await play.together(*(served.http.get(url) for url in urls))


@pytest.mark.spec(
    "RFC 9700 4.10.2", "A user agent is never sent to an address that is not registered"
)
@pytest.mark.spec(
    "RFC 9700 4.11.2", "A request that cannot be trusted stays here, and the person is told"
)
@pytest.mark.spec("RFC 6749 10.14", "state and redirect URI are cleaned before they are used")
@many
@given(batch=st.lists(uris, min_size=A_BATCH, max_size=A_BATCH))
async def test_no_redirect_uri_but_the_registered_one_is_ever_gone_to(
    served: Served, batch: list[str]
) -> None:
    raw = [uri.encode("utf-8", "surrogatepass") for uri in batch]
    answers = await opened(served, [f"redirect_uri={quote_from_bytes(uri, '')}" for uri in raw])
    for uri, answer in zip(batch, answers, strict=True):
        assert answer.status_code == 400, uri
        assert "location" not in answer.headers, uri
        assert "refresh" not in answer.headers, uri
        assert 'http-equiv="refresh"' not in answer.text
        assert "<script" not in answer.text.replace('<script type="module" src="/static/', "")


@pytest.mark.spec(
    "RFC 6749 4.1.2.1", "A refused authorization request goes back with error and state"
)
@many
@given(batch=st.lists(states, min_size=A_BATCH, max_size=A_BATCH))
async def test_each_state_goes_back_byte_for_byte_and_only_there(
    served: Served, batch: list[bytes]
) -> None:
    there = quote(CALLBACK, "")
    answers = await opened(
        served,
        [
            f"redirect_uri={there}&response_mode=x&state={quote_from_bytes(state, '')}"
            for state in batch
        ],
    )
    for state, answer in zip(batch, answers, strict=True):
        assert answer.status_code == 303, state
        location = answer.headers["location"]
        assert location.startswith(CALLBACK + "?")
        assert location.isascii()
        assert location.isprintable()
        query = urlsplit(location).query
        found = [
            value.encode("latin-1")
            for name, value in parse_qsl(query, keep_blank_values=True, encoding="latin-1")
            if name == "state"
        ]
        assert found == [state]
