"""What was compared, in words and tables for docs/benchmarks.md."""

import statistics
from collections.abc import Callable, Sequence

from bench import works
from bench.compare import TARGETS, Compared, Ratio, Target, ratio
from bench.plot import Bar, Panel
from bench.report import Line

PICTURE = "benchmarks.svg"


def lines(compared: Compared) -> list[Line]:
    """Write a row for the terminal for each target."""
    rows = []
    for target in TARGETS:
        found = ratio(compared, target)
        what = f"{works.TITLES[target.work]}, times {target.of}"
        if found is None:
            rows.append(Line(what, "not measured", target=_wanted(target)))
            continue
        spread = f"{found.least:.2f} to {found.most:.2f}"
        met = None if target.at_least is None else found.by_rate >= target.at_least
        rows.append(Line(what, f"{found.by_rate:.2f}", spread, _wanted(target), met))
    return rows


def written(compared: Compared) -> str:
    """Write the headline, the picture, and the tables under it."""
    parts = (
        _headline(compared),
        f"![Each server's rate at each work, on one core]({PICTURE})",
        "The same as numbers: how often a second, the median of the rounds.",
        _table(compared, _rate_cell),
        _OF_PROCESSORS,
        _table(compared, _each_cell),
        _who(compared),
    )
    return "\n\n".join(parts)


_OF_PROCESSORS = """\
The server's processor time of one, and the share of its core that it used in that time. Where the
share is low, the server waited: for a disk, or for PostgreSQL, which runs on the driver's core."""
_HEADLINE = """\
| Endorse at this work | times as often as | by rate | least to most of a round \
| by processor time | aimed at | |
|---|---|---:|---|---:|---|---|"""


def _headline(compared: Compared) -> str:
    rows = [
        f"| {works.TITLES[target.work]} | {target.of} | {_ratio_cells(ratio(compared, target))} "
        f"| {_wanted(target)} | {_verdict(target, ratio(compared, target))} |"
        for target in TARGETS
    ]
    return "\n".join((_HEADLINE, *rows))


def panels(compared: Compared) -> list[Panel]:
    """Give what the picture shows."""
    shown = []
    for work, title in works.TITLES.items():
        bars = []
        for side in _measured(compared):
            rounds = compared.done.get((side, work))
            if rounds:
                rates = [it.rate for it in rounds]
                rate = statistics.median(rates)
                own = side == compared.own
                bars.append(Bar(side, rate, min(rates), max(rates), rate_text(rate), own))
        shown.append(Panel(title, bars))
    return shown


def _ratio_cells(found: Ratio | None) -> str:
    if found is None:
        return "not measured | | "
    spread = f"{found.least:.2f} to {found.most:.2f}"
    return f"**{found.by_rate:.2f}** | {spread} | {found.by_processor:.2f}"


def _verdict(target: Target, found: Ratio | None) -> str:
    if found is None or target.at_least is None:
        return ""
    if target.goal is not None and found.by_rate >= target.goal:
        return "met, and the goal too"
    return "met" if found.by_rate >= target.at_least else "missed"


def _wanted(target: Target) -> str:
    if target.at_least is None:
        return ""
    goal = f" (goal {target.goal:.1f})" if target.goal is not None else ""
    return f"at least {target.at_least:.1f}{goal}"


def _table(compared: Compared, cell: Callable[[Compared, str, str], str]) -> str:
    shown = _measured(compared)
    head = f"| | {' | '.join(shown)} |"
    rule = f"|---|{'---:|' * len(shown)}"
    rows = [
        f"| {title} | {' | '.join(cell(compared, side, work) for side in shown)} |"
        for work, title in works.TITLES.items()
    ]
    return "\n".join((head, rule, *rows))


def _rate_cell(compared: Compared, side: str, work: str) -> str:
    rate = compared.rate(side, work)
    return "" if rate is None else rate_text(rate)


def _each_cell(compared: Compared, side: str, work: str) -> str:
    each = compared.each(side, work)
    if each is None:
        return ""
    rounds = compared.done[side, work]
    busy = sum(it.server_busy for it in rounds) / len(rounds)
    text = f"{each * 1e3:.2f} ms" if each >= 0.001 else f"{each * 1e6:.0f} µs"
    return f"{text}, {busy:.0%}"


def _who(compared: Compared) -> str:
    rows = [
        f"| {side.name} | {compared.versions.get(side.name, '')} | {side.kept} |"
        for side in compared.sides
    ]
    table = ["| who | versions | keeps its rows in |", "|---|---|---|", *rows]
    busy = max((it.driver_busy for rounds in compared.done.values() for it in rounds), default=0.0)
    told = [f"The driver used at most {busy:.0%} of its core."]
    told += [f"Left out: {name}. {why}" for name, why in compared.missing.items()]
    return "\n".join(table) + "\n\n" + "\n\n".join(told)


def rate_text(rate: float) -> str:
    """Write a rate, such as 7,612/s or 43.1/s."""
    return f"{rate:,.0f}/s" if rate >= 100 else f"{rate:.1f}/s"


def _measured(compared: Compared) -> Sequence[str]:
    return [
        side.name for side in compared.sides if any(name == side.name for name, _ in compared.done)
    ]
