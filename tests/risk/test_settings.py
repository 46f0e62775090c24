"""Which risk check the settings give, and that the guide's examples work."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import get_args

import pytest
from sybil import Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

from endorse.risk import Level, Reason, Risk, Verdict
from endorse.server.places import Places
from endorse.server.run import load_risk
from endorse.server.settings import Settings
from tests.risk.scene import HARMLESS, NOW, PARIS, TABLE, claim
from tests.serving import serving

GUIDE = Path(__file__).parents[2] / "docs" / "risk.md"
REFUSING = Verdict(level="red", reasons=("own_check",))


class Refusing:
    """A bank's own check, which finds everything suspicious."""

    async def weigh(self, _: object) -> Verdict:
        """Refuse."""
        return REFUSING


def settings(risk: str = "", places: str = "") -> Settings:
    """Settings that name a risk check or a table."""
    return Settings(
        issuer="https://connect.bank.example",
        database="",
        secret=None,
        risk=risk,
        places=places,
    )


pytestmark = pytest.mark.anyio


async def test_without_settings_no_place_is_known() -> None:
    verdict = await load_risk(settings()).weigh(HARMLESS)
    assert verdict == Verdict(level="green", reasons=("place_unknown",))


@pytest.mark.parametrize(("sandbox", "level"), [(True, "green"), (False, "amber")])
async def test_in_a_sandbox_alone_what_was_made_just_now_is_not_young(
    sandbox: bool, level: Level, tmp_path: Path
) -> None:
    async with serving(f"sqlite:///{tmp_path / 'risk.sqlite3'}", sandbox=sandbox) as served:
        it = claim(client_registered_at=NOW, phone_enrolled_at=NOW)
        assert (await served.desk.risk.weigh(it)).level == level


async def test_a_place_table_that_is_named_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "places.csv"
    path.write_text(TABLE, "utf-8")
    risk = load_risk(settings(places=str(path)))
    assert (await risk.weigh(claim(browser_address=PARIS))).place == "Paris"


async def test_a_check_of_the_banks_own_takes_the_place_of_endorses() -> None:
    assert await load_risk(settings(risk=f"{__name__}:Refusing")).weigh(HARMLESS) == REFUSING


async def test_the_check_of_the_guide_is_a_risk_check() -> None:
    document = Sybil(parsers=[PythonCodeBlockParser()], path=str(GUIDE.parent)).parse(GUIDE)
    for block in document.examples():
        block.evaluate()
    risk: Risk = document.namespace["risk"]()
    assert (await risk.weigh(HARMLESS)).level == "green"
    assert await risk.weigh(claim(browser_address="198.51.100.99")) == REFUSING


def test_the_table_of_the_guide_is_a_place_table() -> None:
    parser = CodeBlockParser(language="csv", evaluator=lambda _: None)
    (block,) = Sybil(parsers=[parser]).parse(GUIDE).examples()
    places = Places(str(block.parsed).splitlines(keepends=True))
    place = places.find(ip_address("2001:db8:1::7"))
    assert place is not None
    assert place.name == "Utrecht, Noord"


def test_the_guide_names_every_reason() -> None:
    guide = GUIDE.read_text("utf-8")
    assert all(f"`{reason}`" in guide for reason in get_args(Reason))
