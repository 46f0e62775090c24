"""The measurements of floods and overload, in words."""

import statistics
from collections.abc import Callable, Sequence
from typing import Final

from bench.overload import Noticed
from bench.report import Line, ms, percentile
from bench.shed import Shed

_AS_BEFORE: Final = 1.25
"""Times. Between two rounds without anybody else the p95 differs by as much."""

Pair = tuple[Noticed, Noticed]


def noticed(how: str, rounds: Sequence[Pair]) -> list[Line]:
    """Write what others noticed: alone, then with the attack, each the median of the rounds."""
    ways: list[tuple[str, Callable[[Noticed], list[float]]]] = [
        ("whole flow", lambda it: it.flows),
        ("approve sent -> 303", lambda it: it.approvals),
    ]
    lines = []
    for name, times in ways:
        for percent in (50, 95, 99):
            pairs = [[percentile(times(it), percent) for it in pair] for pair in rounds]
            told = [statistics.median(pair[side] for pair in pairs) for side in (0, 1)]
            ratios = [attacked / alone for alone, attacked in pairs]
            met = statistics.median(ratios) <= _AS_BEFORE if percent == 95 else None
            lines.append(
                Line(
                    f"{how}: {name}, p{percent}, without -> with",
                    f"{ms(told[0])} -> {ms(told[1])}",
                    f"{min(ratios):.2f} to {max(ratios):.2f} times",
                    f"<= {_AS_BEFORE} times" if percent == 95 else "",
                    met,
                )
            )
    busy = [[it.server_busy for it in pair] for pair in rounds]
    memory = [pair[1].memory.most / 1e6 for pair in rounds]
    before = statistics.median(pair[0].memory.now / 1e6 for pair in rounds)
    shares = [statistics.median(pair[side] for pair in busy) for side in (0, 1)]
    told_most = rounds[len(rounds) // 2][1].told.most_common()
    said = ", ".join(f"{status} {times:,} times" for status, times in told_most)
    return [
        *lines,
        Line(f"{how}: server's core used, without -> with", f"{shares[0]:.0%} -> {shares[1]:.0%}"),
        Line(
            f"{how}: server's memory, without -> with",
            f"{before:.0f} MB -> {statistics.median(memory):.0f} MB",
        ),
        Line(f"{how}: the address was told", said),
    ]


def shed(rounds: Sequence[Shed]) -> list[Line]:
    """Write what came of four times as much as could be done."""
    names: list[tuple[str, Callable[[Shed], float], Callable[[float], str]]] = [
        ("pages a second that can be", lambda it: it.able, _rate),
        ("pages a second that were asked for", lambda it: it.offered, _rate),
        ("of these answered", lambda it: len(it.served) / it.seconds, _rate),
        ("of these told 503 with Retry-After", lambda it: len(it.shed) / it.seconds, _rate),
        ("of these anything else", lambda it: float(it.wrong), lambda it: f"{it:.0f}"),
        ("answered after, p50", lambda it: percentile(it.served, 50), ms),
        ("answered after, p99", lambda it: percentile(it.served, 99), ms),
        ("memory before", lambda it: it.resting / 1e6, _mb),
        ("most memory ever", lambda it: it.most / 1e6, _mb),
        ("pages a second that can be, right afterwards", lambda it: it.again, _rate),
        ("driver's core used", lambda it: it.driver_busy, lambda it: f"{it:.0%}"),
    ]
    lines = []
    for name, value, write in names:
        each = [value(it) for it in rounds]
        spread = f"{write(min(each))} to {write(max(each))}"
        lines.append(Line(f"overload: {name}", write(statistics.median(each)), spread))
    return lines


def _mb(megabytes: float) -> str:
    return f"{megabytes:.0f} MB"


def _rate(value: float) -> str:
    return f"{value:,.0f}/s"
