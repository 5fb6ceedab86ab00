"""What was seen of each fault: printed at the end, and kept in ``build/faults.json``."""

import json
import shutil
from pathlib import Path

WIDTHS = (7, 6, 9, 8, 20, 8, 10)
KEPT = Path("build/faults.json")


class Report:
    """Collects the courses of a run."""

    def __init__(self, seed, rate, *, quick):
        self.seed, self.rate, self.quick = seed, rate, quick
        self.rows = []

    def add(self, course):
        self.rows.append({"fault": course.name, "how": course.how, **course.seen})
        self.keep()  # at once: a run may be ended before its time

    def keep(self):
        KEPT.parent.mkdir(exist_ok=True)
        run = {"seed": self.seed, "rate": self.rate, "quick": self.quick, "faults": self.rows}
        KEPT.write_text(json.dumps(run, indent=1, ensure_ascii=False, default=str) + "\n")

    def lines(self):
        """A table for the end of a run; what is not known stays empty."""
        yield _line("fault", "s", "ok", "unknown", "failed", "recovery s", "done s", "crowding")
        for row in self.rows:
            calls = row.get("calls", {})
            recovery = " ".join(f"{name[:3]} {seconds}" for name, seconds in row.get("recovery_s", {}).items())
            fates = [calls.get(fate, 0) for fate in ("ok", "unknown", "failed")]
            done = row.get("done_s", row.get("error", ""))
            yield _line(row["fault"], row["seconds"], *fates, recovery, done, row.get("crowding", ""))


def _line(fault, *columns):
    return f"{fault[:44]:44}" + "".join(f"{column!s:>{width}}" for column, width in zip(columns, WIDTHS, strict=True))


def kept_logs(world):
    """Keep the services' logs where they can be read when the world is gone."""
    kept = KEPT.parent / "faults-logs" / world.prefix.rstrip(".")
    shutil.copytree(world.folder / "logs", kept, dirs_exist_ok=True)
    return kept
