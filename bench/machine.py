"""What the numbers were measured on."""

import os
import platform
import sqlite3
import statistics
import time
from importlib.metadata import version
from pathlib import Path

_PARTS = ("uvicorn", "uvloop", "httptools", "starlette", "msgspec", "cryptography", "webauthn")


def describe(folder: str) -> dict[str, str]:
    """Give name and value of what matters: processor, memory, disk of `folder`, versions."""
    return {
        "Processor": f"{_field('/proc/cpuinfo', 'model name')}, {os.cpu_count()} cores",
        "Memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.1f} GiB",
        "Disk of the database": _file_system(folder),
        "System": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        "Packages": ", ".join(f"{name} {version(name)}" for name in _PARTS),
        "Load before": f"{os.getloadavg()[0]:.2f}",
        "A fixed loop takes": f"{_fixed_loop() * 1000:.0f} ms",
    }


def _fixed_loop() -> float:
    """Give the seconds for 2 million rounds: with it, two days' numbers can be compared."""
    times = []
    for _ in range(5):
        began = time.process_time()
        total = 0
        for number in range(2_000_000):
            total += number & 7
        times.append(time.process_time() - began)
    return statistics.median(times)


def in_memory(folder: str) -> bool:
    """Say whether a folder is on no disk, where nothing would be durable."""
    return _file_system(folder).startswith(("tmpfs", "ramfs"))


def _file_system(folder: str) -> str:
    inside = Path(folder).resolve()
    lines = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [line for line in lines if inside.is_relative_to(line[1])]
    device, _, kind, *_ = max(holding, key=lambda line: len(line[1]))
    return f"{kind} on {device}"


def _field(file: str, name: str) -> str:
    for line in Path(file).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"
