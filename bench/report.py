"""Numbers into words: what is printed, and the table that docs/benchmarks.md keeps."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.busy import Busy
from bench.latency import Latencies
from bench.load import Done
from bench.start import Started


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table. `met` tells about the target; None where there is none."""

    what: str
    value: str
    spread: str = ""
    target: str = ""
    met: bool | None = None


def latency(rounds: Sequence[Latencies], pages: int, below: float, where: str = "") -> list[Line]:
    """Write p50, p95 and p99 of both ways, each the median over the rounds; target in seconds."""
    crowd = f"{where}{pages:,} pages"
    lines = []
    ways: list[tuple[str, Callable[[Latencies], list[float]]]] = [
        ("claim sent -> page knows", lambda it: it.claims),
        ("approve sent -> browser has its 303", lambda it: it.approvals),
    ]
    for name, times in ways:
        for percent in (50, 95, 99):
            each = [percentile(times(it), percent) for it in rounds]
            target, met = "", None
            if percent == 95:
                target, met = f"< {ms(below)}", statistics.median(each) < below
            what = f"{crowd}: {name}, p{percent}"
            lines.append(Line(what, *_median(each, ms), target, met))
    for side, shares in (
        ("server", [it.server_busy for it in rounds]),
        ("driver", [it.driver_busy for it in rounds]),
    ):
        lines.append(Line(f"{crowd}: {side}'s core used", *_median(shares, _share)))
    return lines


def busy(rounds: Sequence[Busy], at_most: float, memory_at_most: int) -> list[Line]:
    """Write how long an approval takes under half of the most load; seconds and bytes aimed at."""
    lines = [
        Line("half load: flows a second at most", *_median([it.full for it in rounds], _rate)),
        Line("half load: flows a second that came", *_median([it.came for it in rounds], _rate)),
    ]
    for percent in (50, 95, 99):
        each = [percentile(it.approvals, percent) for it in rounds]
        target, met = "", None
        if percent == 99:
            target, met = f"<= {ms(at_most)}", statistics.median(each) <= at_most
        what = f"half load: approve sent -> browser has its 303, p{percent}"
        lines.append(Line(what, *_median(each, ms), target, met))
    resting = [it.at_rest.now for it in rounds]
    met = statistics.median(resting) <= memory_at_most
    what = "memory at rest, after as many flows as could be"
    return [*lines, Line(what, *_median(resting, _mb), f"<= {_mb(memory_at_most)}", met)]


def memory(rounds: Sequence[Latencies], pages: int, at_most: int) -> list[Line]:
    """Write the server's resident memory (target in bytes), and how long pages wait for frames."""
    crowd = f"{pages:,} pages"
    most = [it.memory_most for it in rounds]
    met = statistics.median(most) <= at_most
    each = [(it.memory_waiting - it.memory_before) / pages for it in rounds]
    return [
        Line(f"{crowd}: memory before", *_median([it.memory_before for it in rounds], _mb)),
        Line(f"{crowd}: memory for each", *_median(each, _kb)),
        Line(f"{crowd}: most memory ever", *_median(most, _mb), f"<= {_mb(at_most)}", met),
        Line(
            f"{crowd}: longest between two frames", *_median([it.longest_gap for it in rounds], _s)
        ),
    ]


def start(runs: Sequence[Started], at_most: float) -> list[Line]:
    """Write how long the start took; the target is for the first answer, in seconds."""
    answers = [run.first_answer for run in runs]
    met = statistics.median(answers) <= at_most
    return [
        Line("start to first answer", *_median(answers, _s), f"<= {at_most:.1f} s", met),
        Line("start to first /auth page", *_median([run.first_page for run in runs], _s)),
        Line("processor time of that", *_median([run.cpu for run in runs], _s)),
    ]


def flows(name: str, rounds: Sequence[Done], at_least: float | None) -> list[Line]:
    """Write flows a second, and what each side used for one flow."""
    rates = [it.rate for it in rounds]
    met = None if at_least is None else statistics.median(rates) >= at_least
    target = "" if at_least is None else f">= {at_least:.0f}/s"
    lines = [
        Line(f"{name}: whole flows", *_median(rates, _rate), target, met),
        Line(
            f"{name}: server's processor time a flow",
            *_median([it.server_each for it in rounds], _ms2),
        ),
        Line(
            f"{name}: driver's processor time a flow",
            *_median([it.driver_cpu / it.units for it in rounds], _ms2),
        ),
    ]
    for side, shares in (
        ("server", [it.server_busy for it in rounds]),
        ("driver", [it.driver_busy for it in rounds]),
    ):
        lines.append(Line(f"{name}: {side}'s core used", *_median(shares, _share)))
    return lines


def profiles(rounds: Sequence[tuple[Done, ...]], at_most: float) -> list[Line]:
    """Write what a flow of each profile costs the server, and how they compare."""
    ratios = [strict.server_each / plain.server_each for plain, strict in rounds]
    met = statistics.median(ratios) <= at_most
    lines = []
    for it, name in enumerate(("plain", "fapi2")):
        each = [round_[it] for round_ in rounds]
        rate = _median([one.rate for one in each], _rate)
        cpu = _median([one.server_each for one in each], _ms2)
        lines.append(Line(f"{name} profile: whole flows", *rate))
        lines.append(Line(f"{name} profile: server's processor time a flow", *cpu))
        busy = _median([one.driver_busy for one in each], _share)
        lines.append(Line(f"{name} profile: driver's core used", *busy))
    told = _median(ratios, _times)
    lines.append(Line("fapi2 flow to plain flow, server's time", *told, f"<= {at_most}", met))
    return lines


def work(name: str, rounds: Sequence[Done], at_least: float | None = None) -> list[Line]:
    """Write how often a second something is done, and what one of it costs the server."""
    rates = [it.rate for it in rounds]
    met = None if at_least is None else statistics.median(rates) >= at_least
    target = "" if at_least is None else f">= {at_least:.0f}/s"
    each = _median([it.server_each for it in rounds], _us)
    busy = _median([it.server_busy for it in rounds], _share)
    driver = _median([it.driver_busy for it in rounds], _share)
    return [
        Line(name, *_median(rates, _rate), target, met),
        Line(f"{name}: server's processor time of one", *each),
        Line(f"{name}: server's core used", *busy),
        Line(f"{name}: driver's core used", *driver),
    ]


def shown(line: Line) -> str:
    """Write a row for the terminal."""
    verdict = {None: "", True: "  met", False: "  MISSED"}[line.met]
    target = f"  target {line.target}" if line.target else ""
    return f"  {line.what:<56} {line.value:>10}  {line.spread:<22}{target}{verdict}"


def keep(file: Path, place: str, text: str) -> None:
    """Put a text between the two marks of its place in the file; what stands around them stays."""
    begin, end = f"<!-- {place}: begin -->", f"<!-- {place}: end -->"
    before, found, rest = file.read_text().partition(begin)
    _, ends, after = rest.partition(end)
    if not found or not ends:
        raise ValueError(f"{file} has no place for it: {begin} … {end}")
    file.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")


def machine(date: str, facts: Mapping[str, str]) -> str:
    """Write what it was measured on."""
    rows = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
    return f"Measured {date}.\n\n| Machine | |\n|---|---|\n{rows}"


def table(lines: Sequence[Line]) -> str:
    """Write the rows of Endorse's own measurements."""
    rows = "\n".join(
        f"| {it.what} | {it.value} | {it.spread} | {it.target} | {_verdict(it.met)} |"
        for it in lines
    )
    return f"| What | Median | Least to most | Target | |\n|---|---:|---|---|---|\n{rows}"


def percentile(times: Sequence[float], percent: int) -> float:
    """Give the smallest time that this share of all times does not exceed."""
    ordered = sorted(times)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _median(values: Sequence[float], write: Callable[[float], str]) -> tuple[str, str]:
    return write(statistics.median(values)), f"{write(min(values))} to {write(max(values))}"


def _verdict(met: bool | None) -> str:
    return {None: "", True: "met", False: "missed"}[met]


def ms(seconds: float) -> str:
    """Write a time, such as 8.3 ms."""
    return f"{seconds * 1000:.1f} ms"


def _ms2(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms"


def _us(seconds: float) -> str:
    return f"{seconds * 1e6:.0f} µs"


def _s(seconds: float) -> str:
    return f"{seconds:.2f} s"


def _mb(size: float) -> str:
    return f"{size / 1e6:.0f} MB"


def _kb(size: float) -> str:
    return f"{size / 1e3:.1f} kB"


def _rate(value: float) -> str:
    return f"{value:.0f}/s"


def _times(value: float) -> str:
    return f"{value:.2f} times"


def _share(value: float) -> str:
    return f"{value:.0%}"
