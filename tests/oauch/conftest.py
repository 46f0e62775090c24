"""The server that the cases of a file are tried at."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.flows.play import QUICK, quiet_client
from tests.serving import Served, serving


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """A sandbox server on SQLite."""
    url = f"sqlite:///{tmp_path_factory.mktemp('oauch') / 'endorse.sqlite3'}"
    async with serving(url, QUICK) as server, quiet_client() as http:
        server.http = http
        yield server


AWAITED = {
    "SupportsPostResponseModeTest",
    "FormPostSupportedTest",
}
"""What is not there yet; taken out as it comes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Expect nothing yet of what is awaited."""
    for item in items:
        if "oauch" in item.nodeid and any(name in item.nodeid for name in AWAITED):
            item.add_marker(pytest.mark.xfail(strict=False, reason="is awaited"))
