"""What was measured, as a page with pictures for people: docs/routing/measured.md."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .classifier import Classifier
from .corpus import CAUSES, Text
from .encoder import Encoder
from .evaluation import Judged, judge, report
from .model import restore
from .pictures import draw
from .training import learn, vectors_of

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1.0)
CONFIDENCES = (0.0, 0.3, 0.45, 0.6, 0.8, 0.9, 1.01)
COVERAGES = (0.25, 0.5, 0.75, 0.9, 1.0)
MISTAKES = 30


def write(path: Path, classifier: Classifier, training: Sequence[Text], judging: Sequence[Text]) -> None:
    """
    Measure the classifier on texts by writers it never saw, and how good it would be with fewer texts.

    Writes the page to *path* and its pictures beside it.
    """
    judged = judge(classifier, judging)
    curve = list(_learning_curve(training, judging))
    draw(path.parent, judged, curve)
    path.write_text(_page(classifier, judged, curve, len(training)), "utf-8")


def _page(
    classifier: Classifier, judged: Sequence[Judged], curve: Sequence[tuple[str, int, float, float]], learnt: int
) -> str:
    parts = [
        "# What the classifier gave · 分类器实测",
        f"{classifier.classify('').model}: {learnt:,} texts learnt from, {len(judged):,} by others judged.",
        "Written by · 生成命令：`python -m services.routing.classifier write`.",
        "## Figures · 指标",
        _table(("measure", "value"), ((name, _number(value)) for name, value in report(judged).items())),
        "## Confusion · 混淆矩阵",
        "Rows: what people said; columns: what the classifier said. 行为人工标注，列为分类结果。",
        "![confusion](confusion.svg)",
        _table(("", *CAUSES), _confusion(judged)),
        "## Calibration · 把握是否可信",
        "![calibration](calibration.svg)",
        _table(("confidence", "texts", "right", "mean confidence"), _calibration(judged)),
        "## Risk and coverage · 风险与覆盖",
        "If only the surest share is answered without a person: how many are right. 只自动回答最有把握者的正确率。",
        "![risk and coverage](coverage.svg)",
        _table(("answered", "down to confidence", "right"), _coverage(judged)),
        "## Learning curve · 学习曲线",
        "The same method with fewer texts (every n-th) and with fewer writings. 文本或写作批次更少时的效果。",
        "![learning curve](learning.svg)",
        _table(
            ("learnt from", "texts", "macro-F1", "hard"),
            ((name, f"{count:,}", f"{f1:.3f}", f"{hard:.3f}") for name, count, f1, hard in curve),
        ),
        "## Wrong answers · 答错的例子",
        "The thirty of which the classifier was surest. 分类器最有把握却答错的三十条。",
        _table(("confidence", "said by people", "by the classifier", "text"), _mistakes(judged)),
    ]
    return "\n\n".join(parts) + "\n"


def _confusion(judged: Sequence[Judged]) -> Iterator[tuple[object, ...]]:
    for cause in CAUSES:
        mine = [one.verdict.cause for one in judged if one.text.cause == cause]
        yield (f"**{cause}**", *(mine.count(named) for named in CAUSES))


def _calibration(judged: Sequence[Judged]) -> Iterator[tuple[object, ...]]:
    complaints = [one for one in judged if one.text.cause]
    for low, high in pairwise(CONFIDENCES):
        part = [one for one in complaints if low <= one.verdict.confidence < high]
        if part:
            mean = np.mean([one.verdict.confidence for one in part])
            yield f"{low:.2f} to {min(high, 1):.2f}", len(part), _number(_right(part)), f"{mean:.3f}"


def _coverage(judged: Sequence[Judged]) -> Iterator[tuple[object, ...]]:
    ranked = sorted((one for one in judged if one.text.cause), key=lambda one: -one.verdict.confidence)
    for share in COVERAGES:
        part = ranked[: round(share * len(ranked))]
        yield f"{share:.0%}", f"{part[-1].verdict.confidence:.2f}", _number(_right(part))


def _mistakes(judged: Sequence[Judged]) -> Iterator[tuple[object, ...]]:
    wrong = sorted(
        (one for one in judged if one.text.cause and not one.right),
        key=lambda one: (-one.verdict.confidence, one.text.id),
    )
    for one in wrong[:MISTAKES]:
        yield f"{one.verdict.confidence:.2f}", one.text.cause, one.verdict.cause, one.text.text.replace("|", "\\|")


def _learning_curve(training: Sequence[Text], judging: Sequence[Text]) -> Iterator[tuple[str, int, float, float]]:
    vectors = vectors_of(training)

    def learnt(name: str, chosen: NDArray[np.intp]) -> tuple[str, int, float, float]:
        model = learn([training[place] for place in chosen], vectors[chosen], restore().trust)
        figures = report(judge(Classifier(model, Encoder()), judging))
        hard = next(value for key, value in figures.items() if "difficulty hard" in key)
        return name, len(chosen), figures["cause macro-F1"], hard

    everything = np.arange(len(training))
    for share in SHARES[:-1]:
        yield learnt(f"every {_ordinal(round(1 / share))} text", everything[:: round(1 / share)])
    sources = sorted({text.source for text in training}, key=lambda source: (len(source), source))
    for count in (len(sources) // 4, len(sources) // 2):
        some = set(sources[:count])
        yield learnt(f"{count} writings", np.flatnonzero([text.source in some for text in training]))
    yield learnt(f"all {len(sources)} writings", everything)


def _right(judged: Sequence[Judged]) -> float:
    return float(np.mean([one.right for one in judged]))


def _number(value: float) -> str:
    return f"{value:.0f}" if value > 1 else f"{value:.3f}"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _ordinal(number: int) -> str:
    return f"{number}nd" if number == 2 else f"{number}th"  # noqa: PLR2004
