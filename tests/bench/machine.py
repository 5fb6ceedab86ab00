"""The machine: what it is, who uses its processors, and how much of them a process has used."""

import os
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_TICK_SECONDS: Final = 1 / os.sysconf("SC_CLK_TCK")


class Watch:
    """From when it is made, how much of the machine others used than this process and its descendants."""

    def __init__(self) -> None:
        self._busy, self._total = _machine()
        self._own = tree_seconds(os.getpid())

    def others(self) -> float:
        """The share of all processors, 0 to 1, that went to others so far; what the hypervisor took counts too."""
        busy, total = _machine()
        own = tree_seconds(os.getpid()) - self._own
        return min(1.0, max(0.0, busy - self._busy - own) / max(total - self._total, _TICK_SECONDS))


def tree_seconds(*roots: int) -> float:
    """The processor time of processes and all their descendants, those that have ended and been waited for too."""
    processes = dict(_processes())
    children: dict[int, list[int]] = {}
    for pid, (parent, _) in processes.items():
        children.setdefault(parent, []).append(pid)
    seconds, left = 0.0, [pid for pid in roots if pid in processes]
    while left:
        pid = left.pop()
        seconds += processes[pid][1]
        left += children.get(pid, [])
    return seconds


def program(pid: int) -> str:
    """The name of the program that a process runs, of 15 characters at most."""
    return Path(f"/proc/{pid}/comm").read_text().strip()


def resident_mb(pid: int) -> float:
    """What a process keeps in memory, in MB of 10⁶ bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def description() -> dict[str, object]:
    """What to print beside the figures."""
    models = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    memory = next((line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0")
    return {
        "processor": models[0] if models else platform.machine(),
        "processors": os.cpu_count(),
        "memory_gb": round(int(memory) * 1024 / 1e9, 1),
        "system": platform.release(),
        "python": platform.python_version(),
    }


def _machine() -> tuple[float, float]:
    """(busy, total) seconds of all processors since the machine started; waiting for a disk is not busy."""
    ticks = [int(field) for field in _lines("/proc/stat")[0].split()[1:9]]
    user, nice, system, idle, waiting, interrupts, soft, stolen = ticks
    busy = user + nice + system + interrupts + soft + stolen
    return busy * _TICK_SECONDS, (busy + idle + waiting) * _TICK_SECONDS


def _processes() -> Iterable[tuple[int, tuple[int, float]]]:
    """Of every process: its id, its parent's, and the seconds it used."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # The name, in brackets, may hold anything; what follows it is columns, of which state is the first.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield int(folder.name), (int(fields[1]), sum(map(int, fields[11:15])) * _TICK_SECONDS)


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
