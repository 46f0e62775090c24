"""A disk that forgets: what SQLite asks of it, and each state that a cut of the power may leave.

SQLite reaches its files through a table of functions, its VFS. The recorder puts a copy of that
table in front of the usual one, in the very library that Python's sqlite3 uses: so the store runs
as it is, on the SQLite that it runs on. A disk promises nothing of what was not synced: such a
write may be there or not, before or after another, or in part.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SECTOR = 512
_MAIN_DB, _WAL = 0x100, 0x80000

# The path stays a pointer: SQLite keeps it for as long as the file is open.
_OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
_SYNC = CFUNCTYPE(c_int, c_void_p, c_int)


class _Methods(Structure):
    """sqlite3_io_methods: what can be done with an open file."""

    _fields_ = [
        ("version", c_int),
        ("close", c_void_p),
        ("read", c_void_p),
        ("write", _WRITE),
        ("truncate", _TRUNCATE),
        ("sync", _SYNC),
        ("others", c_void_p * 13),
    ]


class _Vfs(Structure):
    """sqlite3_vfs: how files are opened."""

    _fields_ = [
        ("version", c_int),
        ("file_size", c_int),
        ("longest_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        ("open", _OPEN),
        ("others", c_void_p * 15),
    ]


@dataclass(frozen=True)
class Write:
    """Bytes at a place."""

    path: str
    offset: int
    data: bytes


@dataclass(frozen=True)
class Truncate:
    """A file became so long."""

    path: str
    size: int


@dataclass(frozen=True)
class Sync:
    """From here on the disk promises all that was asked of this file before."""

    path: str


@dataclass(frozen=True)
class Answered:
    """Somebody was told that this is stored."""

    what: str


Step = Write | Truncate | Sync | Answered


@contextmanager
def recording() -> Iterator[list[Step]]:
    """A list that grows by each write and sync of the databases that are opened meanwhile."""
    sqlite: Any = ctypes.CDLL(_sqlite3.__file__)
    sqlite.sqlite3_vfs_find.restype = POINTER(_Vfs)
    usual = sqlite.sqlite3_vfs_find(None)
    steps: list[Step] = []
    paths: dict[int, str] = {}
    tables: dict[int, _Methods] = {}

    def opening(_vfs: int, name: int, file: int, flags: int, out: int) -> int:
        status: int = usual.contents.open(usual_address, name, file, flags, out)
        if status == 0 and flags & (_MAIN_DB | _WAL):
            paths[file] = ctypes.string_at(name).decode()
            methods = ctypes.cast(file, POINTER(c_void_p))
            address = methods[0] or 0
            if address not in tables:
                tables[address] = _noting(_Methods.from_address(address), paths, steps)
            methods[0] = ctypes.addressof(tables[address])
        return status

    usual_address = ctypes.cast(usual, c_void_p).value
    noting = _Vfs()
    ctypes.memmove(byref(noting), usual, ctypes.sizeof(_Vfs))
    noting.name, noting.open = b"recording", _OPEN(opening)
    sqlite.sqlite3_vfs_register(byref(noting), 1)
    try:
        yield steps
    finally:
        sqlite.sqlite3_vfs_unregister(byref(noting))
        sqlite.sqlite3_vfs_register(usual, 1)


def _noting(usual: _Methods, paths: dict[int, str], steps: list[Step]) -> _Methods:
    """The same functions, of which three leave a note."""

    def write(file: int, data: int, size: int, offset: int) -> int:
        steps.append(Write(paths[file], offset, ctypes.string_at(data, size)))
        status: int = usual.write(file, data, size, offset)
        return status

    def truncate(file: int, size: int) -> int:
        steps.append(Truncate(paths[file], size))
        status: int = usual.truncate(file, size)
        return status

    def sync(file: int, _flags: int) -> int:
        steps.append(Sync(paths[file]))
        return 0  # the record is the disk: nothing has to wait for the real one

    noting = _Methods()
    ctypes.memmove(byref(noting), byref(usual), ctypes.sizeof(_Methods))
    noting.write, noting.truncate, noting.sync = _WRITE(write), _TRUNCATE(truncate), _SYNC(sync)
    return noting


@dataclass
class Disk:
    """What is on the disk for certain, and what was asked since the last sync of each file."""

    certain: dict[str, bytes]
    asked: dict[str, list[Write | Truncate]] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)

    def do(self, step: Step) -> None:
        """Go one step on."""
        match step:
            case Write(path) | Truncate(path):
                self.asked.setdefault(path, []).append(step)
            case Sync(path):
                self.certain[path] = _with(self.certain.get(path, b""), self.asked.pop(path, []))
            case Answered(what):
                self.answered.add(what)

    def states(self, chance: random.Random, shaken: int) -> Iterator[dict[str, bytes]]:
        """Files after a cut of the power: none of what was asked is there, or all, or any of it."""
        yield self._state(lambda asked: [])
        if any(self.asked.values()):
            yield self._state(lambda asked: asked)
            for _ in range(shaken):
                yield self._state(lambda asked: _some(asked, chance))

    def _state(self, kept: Any) -> dict[str, bytes]:
        files = dict(self.certain)
        for path, asked in self.asked.items():
            if left := kept(asked):
                files[path] = _with(files.get(path, b""), left)
        return files


def _with(before: bytes, steps: Sequence[Write | Truncate]) -> bytes:
    content = bytearray(before)
    for step in steps:
        if isinstance(step, Truncate):
            del content[step.size :]
            content.extend(bytes(step.size - len(content)))
        else:
            content.extend(bytes(max(0, step.offset - len(content))))
            content[step.offset : step.offset + len(step.data)] = step.data
    return bytes(content)


def _some(asked: Sequence[Write | Truncate], chance: random.Random) -> list[Write | Truncate]:
    """Some of it, in another order, and some of that torn between two sectors."""
    kept = [step for step in asked if chance.random() < 0.6]
    chance.shuffle(kept)
    return [_torn(step, chance) if chance.random() < 0.2 else step for step in kept]


def _torn(step: Write | Truncate, chance: random.Random) -> Write | Truncate:
    if isinstance(step, Truncate) or len(step.data) <= _SECTOR:
        return step
    return Write(step.path, step.offset, step.data[: chance.randrange(1, 8) * _SECTOR])


def lay_out(files: dict[str, bytes], before: Path, folder: Path) -> Path:
    """Write a state into an empty folder; give the path of its database."""
    for path, content in files.items():
        (folder / Path(path).name).write_bytes(content)
    return folder / before.name
