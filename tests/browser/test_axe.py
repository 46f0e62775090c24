"""What is asked of every pictured state finds what it should, and leaves the page as it is."""

from __future__ import annotations

import re

import pytest

from tests.browser import desktop
from tests.browser.axe import Axe
from tests.browser.chromium import Windows
from tests.browser.pictures import picture
from tests.browser.town import Town

pytestmark = [pytest.mark.browser, pytest.mark.anyio, pytest.mark.xdist_group("browser")]

# Behind the page's back, as its own content policy lets no foreign style or script in.
FAINT = "() => { document.querySelector('h1').style.color = '#ccc'; }"
BUTTON = "[...document.querySelectorAll('button')].find((it) => it.checkVisibility())"
FOREIGN = "() => { document.documentElement.removeAttribute('lang'); }"
LOW = f"() => {{ Object.assign({BUTTON}.style, {{ minHeight: '20px', padding: '0' }}); }}"
DIM = "() => { document.querySelector('h1').style.color = '#222'; }"
WIDE = "() => { document.querySelector('h1').style.width = '330px'; }"


@pytest.mark.parametrize("scripted", [True, False])
@pytest.mark.parametrize(
    ("harm", "rule"),
    [(FAINT, "color-contrast"), (FOREIGN, "html-has-lang")],
    ids=["faint", "no language"],
)
async def test_harm_to_a_page_is_found_also_where_it_runs_no_scripts(
    windows: Windows, bank_and_app: Town, scripted: bool, harm: str, rule: str
) -> None:
    page = await windows.desktop(java_script_enabled=scripted)
    if scripted:
        await desktop.connect(page, bank_and_app.app)
    else:
        await page.goto(bank_and_app.authorize_url())
    axe = await Axe.of(page, scripted=scripted)
    assert await axe.violations() == []
    await page.evaluate(harm)
    (found,) = await axe.violations()
    assert found.startswith(rule)


@pytest.mark.parametrize(
    ("harm", "fault"),
    [(LOW, "low"), (WIDE, "px wide"), (DIM, "in desktop-dark: .*color-contrast")],
    ids=["low", "wide", "faint by night"],
)
async def test_a_picture_is_refused_where_not_everybody_could_use_the_page(
    windows: Windows, bank_and_app: Town, harm: str, fault: str
) -> None:
    page = await windows.desktop()
    await desktop.connect(page, bank_and_app.app)
    await page.evaluate(harm)
    with pytest.raises(AssertionError, match=fault):
        await picture(page, "harmed")


async def test_the_page_does_not_see_who_looks_at_it(windows: Windows, bank_and_app: Town) -> None:
    page = await windows.desktop()
    await desktop.connect(page, bank_and_app.app)
    await Axe.of(page)
    assert await page.evaluate("() => 'axe' in window") is False


async def test_every_state_of_the_page_is_open_to_everybody_also_those_that_seldom_come(
    windows: Windows, bank_and_app: Town
) -> None:
    page = await windows.desktop(reduced_motion="reduce")
    await desktop.connect(page, bank_and_app.app)
    async for state in desktop.each_state(page):
        await picture(page, "state-" + re.sub(r"[ :]", "-", state))
