"""CPU and memory of each part of the suite, whole process trees, from /proc (proc(5))."""

import os
from collections.abc import Mapping
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


class Tree:
    """All processes at one moment."""

    def __init__(self) -> None:
        self.parents: dict[int, int] = {}
        self.ticks: dict[int, int] = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                self._read(folder)

    def _read(self, folder: Path) -> None:
        """Fields 4 and 14–17: the parent, and the time of the process itself and of its children that have ended."""
        try:
            fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return
        pid = int(folder.name)
        self.parents[pid], self.ticks[pid] = int(fields[1]), sum(map(int, fields[11:15]))

    def below(self, root: int) -> list[int]:
        """A process and all its descendants."""
        found, children = [root], {p for p, parent in self.parents.items() if parent == root}
        for child in children:
            found += self.below(child)
        return found

    def cpu(self, root: int) -> float:
        """Seconds of CPU of a whole tree since its start."""
        return sum(self.ticks.get(pid, 0) for pid in self.below(root)) / TICKS


def cpu(roots: Mapping[str, int]) -> dict[str, float]:
    """CPU seconds by name, of the trees below the given processes."""
    tree = Tree()
    return {name: tree.cpu(pid) for name, pid in roots.items()}


def memory(roots: Mapping[str, int]) -> dict[str, float]:
    """MiB by name: shared pages are counted in part (PSS), or fully (RSS) where the kernel does not tell."""
    tree = Tree()
    return {name: sum(_mib(pid) for pid in tree.below(pid)) for name, pid in roots.items()}


def _mib(pid: int) -> float:
    for file, label in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
        except OSError:
            continue
        return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(label)), 0.0)
    return 0.0


def busy() -> tuple[float, float]:
    """CPU seconds used by the whole machine so far, and those it had (all cores)."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS, sum(fields) / TICKS


def foreign(before: tuple[float, float], after: tuple[float, float], ours: float) -> float:
    """The share of the machine that programs other than ours used between two readings of `busy`."""
    return max(0.0, after[0] - before[0] - ours) / max(0.01, after[1] - before[1])
