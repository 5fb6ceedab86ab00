"""What was measured, for people and for programs."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from tests.bench.harness import Row
from tests.bench.machine import description


def drawn(rows: Sequence[Row], seconds: float) -> Table:
    """Every row with what it must and what it should reach; ≥ or ≤ says which way is good."""
    machine = ", ".join(f"{name} {value}" for name, value in description().items())
    drawing = Table(title="Benchmark 性能对比", caption=f"{machine}; {seconds:.0f} s")
    drawing.add_column("row 项目", no_wrap=True)
    for heading in ("product 产品", "baseline 对照", "ratio 比值", "floor 底线", "target 目标"):
        drawing.add_column(heading, justify="right", no_wrap=True)
    drawing.add_column("", no_wrap=True)
    for row in rows:
        drawing.add_row(*_cells(row), style=None if row.passes else "red")
    return drawing


def write(path: Path, rows: Sequence[Row]) -> None:
    """Keep everything, every round too, as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([_kept(row) for row in rows], indent=2) + "\n")


def _cells(row: Row) -> list[str]:
    low, high = (_figure(end) for end in row.spread)
    return [
        row.name,
        f"{_figure(row.product)} {row.bar.unit}",
        _figure(row.baseline),
        f"{_figure(row.ratio)} ({low}…{high})" if row.ratio is not None else f"({low}…{high})",
        _bars(row, row.bar.floor, row.bar.limit),
        _bars(row, row.bar.target, row.bar.goal),
        _remark(row),
    ]


def _remark(row: Row) -> str:
    judged = "below floor 未达底线" if not row.passes else "on target 达标" if row.on_target else "passes 通过"
    return f"{judged}; {row.noisy} noisy 受干扰" if row.noisy else judged


def _bars(row: Row, bar: float, absolute: float | None) -> str:
    sign = "≥" if row.bar.better == "higher" else "≤"
    ratio = f"{sign} {_figure(bar)}" + ("" if row.ratio is None else "×")
    return ratio if absolute is None else f"{ratio}, {sign} {_figure(absolute)}"


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _kept(row: Row) -> dict[str, object]:
    return {
        "name": row.name,
        "ratio": row.ratio,
        "floor": row.bar.floor,
        "target": row.bar.target,
        "baseline": row.baseline,
        "product": row.product,
        "unit": row.bar.unit,
        "rounds": [
            {"ratio": each.ratio, "product": each.product, "baseline": each.baseline, "noisy": each.noisy}
            for each in row.rounds
        ],
        "better": row.bar.better,
        "limit": row.bar.limit,
        "goal": row.bar.goal,
        "spread": row.spread,
        "noisy": row.noisy,
        "passes": row.passes,
        "on_target": row.on_target,
        "machine": description(),
    }
