"""Why a complaint went where it went, in words for both readers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from services.routing.domain.assignment import Basis
from services.routing.domain.classification import Cause, Manner, Severity
from services.routing.domain.priority import BEST_CARE, Level, Priority
from services.routing.domain.roster import Team


@dataclass(frozen=True, slots=True)
class Sentence:
    """The same sentence for both readers."""

    zh: str
    en: str


CAUSES: Final = {
    Cause.QUALITY: Sentence("质量问题", "Quality"),
    Cause.SERVICE: Sentence("服务问题", "Service"),
    Cause.COMMUNICATION: Sentence("沟通问题", "Communication"),
    Cause.EXPECTATION_GAP: Sentence("期望落差", "Expectation gap"),
    Cause.BROKEN_PROMISE: Sentence("承诺未兑现", "Broken promise"),
    Cause.REGULATION: Sentence("政策法规问题", "Regulation"),
}
CHOICES: Final = {
    Basis.SAME: Sentence("由原经办人继续办理", "Stays with the person who had it before"),
    Basis.FREE: Sentence("组内可接手者中在办最少", "Fewest open cases of those in the team who can take it"),
    Basis.FULL: Sentence(
        "可接手者均已满额，交在办最少者", "All who can take it are at capacity: the one with the fewest open cases"
    ),
    Basis.ANYONE: Sentence(
        "组内无人使用该语言或负责该原因，交在办最少者",
        "Nobody in the team speaks the language or takes the cause: the one with the fewest open cases",
    ),
    Basis.NOBODY: Sentence("组内无人在岗，在小组队列中等候", "Nobody in the team is active: waits in the team's queue"),
}
LEVELS: Final = {
    Level.HIGH: Sentence("高", "high"),
    Level.MIDDLE: Sentence("中", "medium"),
    Level.LOW: Sentence("低", "low"),
}
SEVERITIES: Final = {
    Severity.CRITICAL: Sentence("严重程度：危急", "critical severity"),
    Severity.HIGH: Sentence("严重程度：高", "high severity"),
    Severity.MEDIUM: Sentence("严重程度：中", "medium severity"),
    Severity.LOW: Sentence("严重程度：低", "low severity"),
}
MANNERS: Final = {
    Manner.AGITATED: Sentence("客户情绪激动", "agitated customer"),
    Manner.DEMANDING: Sentence("客户提出明确要求", "demanding customer"),
    Manner.CONFUSED: Sentence("客户感到困惑", "confused customer"),
    Manner.NEUTRAL: Sentence("客户语气平和", "calm customer"),
}


def why_team(cause: Cause, team: Team, *, by_person: bool) -> Sentence:
    """Say which team answers this cause, and that a person named it where one did."""
    name = CAUSES[cause]
    zh, en = ("（人工判定）", " (named by a person)") if by_person else ("", "")
    return Sentence(f"{name.zh}{zh}交{team.zh}", f"{name.en}{en} goes to {team.en}")


def why_person(basis: Basis) -> Sentence:
    """Say why this person has it."""
    return CHOICES[basis]


def why_priority(priority: Priority, severity: Severity, manner: Manner, tier: str, round_number: int) -> Sentence:
    """Say what made it this important and this urgent."""
    importance = list(_importance(severity, tier))
    urgency = list(_urgency(severity, manner, round_number))
    high, soon = LEVELS[priority.importance], LEVELS[priority.urgency]
    return Sentence(
        f"优先级 {priority.value}：重要性{high.zh}（{_zh(importance)}），紧迫性{soon.zh}（{_zh(urgency)}）",
        f"Priority {priority.value}: importance {high.en} ({_en(importance)}), urgency {soon.en} ({_en(urgency)})",
    )


def _importance(severity: Severity, tier: str) -> Iterator[Sentence]:
    yield SEVERITIES[severity]
    if tier == BEST_CARE:
        yield Sentence(f"{tier} 级客户", f"tier {tier} customer")


def _urgency(severity: Severity, manner: Manner, round_number: int) -> Iterator[Sentence]:
    yield MANNERS[manner]
    if severity in {Severity.HIGH, Severity.CRITICAL}:
        yield SEVERITIES[severity]
    if round_number > 1:
        yield Sentence(f"第 {round_number} 轮处理", f"round {round_number} of handling")


def _zh(parts: list[Sentence]) -> str:
    return "、".join(part.zh for part in parts)


def _en(parts: list[Sentence]) -> str:
    return ", ".join(part.en for part in parts)
