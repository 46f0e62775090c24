"""How a bug is planted: source of a function, or a row of the table, is another for a while.

A piece must stand there exactly once, so a guard that is written otherwise one day takes its mutant
with it.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import msgspec

from endorse.core.journey import STEPS, Event, State


@dataclass(frozen=True)
class Edit:
    """In this function, one piece of source is another."""

    where: Any
    old: str
    new: str


@dataclass(frozen=True)
class Row:
    """In the table of steps, an event may come from these states as well."""

    event: Event
    also: State


@dataclass(frozen=True)
class Mutant:
    """A planted bug, and the beginning of what the broken law must say."""

    name: str
    law: str
    edits: tuple[Edit | Row, ...]


def mutant(name: str, law: str, where: Any, old: str, new: str, *more: Edit | Row) -> Mutant:
    return Mutant(name, law, (Edit(where, old, new), *more))


@contextmanager
def planted(bug: Mutant) -> Iterator[None]:
    """Plant the bug for a while, in the functions themselves: all who imported them have it."""
    code: dict[Any, list[Edit]] = {}
    with ExitStack() as stack:
        for edit in bug.edits:
            if isinstance(edit, Row):
                stack.enter_context(_row(edit))
            else:
                code.setdefault(edit.where, []).append(edit)
        for where, edits in code.items():
            stack.enter_context(_code(where, edits))
        yield


@contextmanager
def _code(where: Any, edits: list[Edit]) -> Iterator[None]:
    assert isinstance(where, FunctionType)
    source = textwrap.dedent(inspect.getsource(where))
    for edit in edits:
        assert source.count(edit.old) == 1, f"{where.__qualname__} has {edit.old!r} not once"
        source = source.replace(edit.old, edit.new)
    names: dict[str, Any] = dict(where.__globals__)
    exec(compile(source, where.__code__.co_filename, "exec"), names)
    kept, where.__code__ = where.__code__, names[where.__name__].__code__
    try:
        yield
    finally:
        where.__code__ = kept


@contextmanager
def _row(row: Row) -> Iterator[None]:
    kept = STEPS[row.event]
    STEPS[row.event] = msgspec.structs.replace(kept, sources=(*kept.sources, row.also))
    try:
        yield
    finally:
        STEPS[row.event] = kept
