"""The browsers that all tests here share, and a town of its own for each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.chromium import PATIENCE_MS, Chromiums, Windows, chromiums
from tests.browser.film import Film
from tests.browser.town import Town, town
from tests.flows.play import QUICK


@pytest.fixture(scope="session")
async def running_chromiums(
    anyio_backend: object, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Chromiums]:
    """The two browsers of this test process."""
    expect.set_options(timeout=PATIENCE_MS)
    film = Film(tmp_path_factory.mktemp("camera") / "film.y4m")
    async with chromiums(film) as running:
        yield running


@pytest.fixture
def film(running_chromiums: Chromiums) -> Film:
    """What the phone's camera sees: a grey wall, until something is shown."""
    running_chromiums.film.nothing()
    return running_chromiums.film


@pytest.fixture
async def windows(running_chromiums: Chromiums, film: Film) -> AsyncIterator[Windows]:
    """New windows; a complaint of a page fails the test."""
    opened = Windows(running_chromiums)
    yield opened
    await opened.close()
    assert opened.unpardoned() == []


@pytest.fixture
async def bank_and_app(tmp_path: Path, windows: Windows) -> AsyncIterator[Town]:
    """A bank and Budgetly, which are there for as long as the windows are open."""
    async with town(f"sqlite:///{tmp_path / 'endorse.sqlite3'}", QUICK) as opened:
        yield opened
        await windows.close()
