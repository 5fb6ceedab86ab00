"""Say how bad it is, by points that add up in the open."""

from dataclasses import dataclass
from functools import lru_cache

from .reading import Reading
from .wording import Wording, table, wording

_HIGH = 3
_CRITICAL = 5
_BRIEF = 18


@dataclass(frozen=True, slots=True)
class Rule:
    """
    A wording and what it counts.

    Attributes:
        name: what was seen, for the person who asks why.
        towards: ``severity``, or ``doubt`` about the text itself.
        points: added once, however often it is said.
        wording: the ways of saying it.
    """

    name: str
    towards: str
    points: int
    wording: Wording


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """Return every rule in the order of `points.toml`."""
    return tuple(
        Rule(entry["name"], entry["towards"], entry["points"], wording(entry, {}))
        for entry in table("points.toml")["rule"]
    )


def reasons(reading: Reading) -> tuple[Rule, ...]:
    """Return the rules that the text meets."""
    return tuple(rule for rule in rules() if rule.wording.said(reading))


def is_grave(met: tuple[Rule, ...]) -> bool:
    """Tell whether the rules alone make it high or critical."""
    return _sum(met, "severity") >= _HIGH


def severity(met: tuple[Rule, ...], length: int, *, sounds_grave: bool) -> str:
    """
    Weigh the harm: low, medium, high (from 3 points) or critical (from 5).

    Every hard trigger (safety, minors, leaked data, law, regulator, media) carries 3 points, injury and fire 5,
    so that none is averaged away. A text that sounds grave as a whole carries what it lacks to high: no list has all
    the words for harm, but only words that one can read make it critical.

    Args:
        met: the rules that the text meets.
        length: characters of the folded text; a remark of a few words is low unless a rule says otherwise.
        sounds_grave: whether the model takes the text as a whole for high or critical.
    """
    total = _sum(met, "severity") + _lacking(met) * sounds_grave
    if total >= _HIGH:
        return "critical" if total >= _CRITICAL else "high"
    return "low" if total < 0 or (total == 0 and length < _BRIEF) else "medium"


def points(met: tuple[Rule, ...], *, sounds_grave: bool) -> tuple[tuple[str, int], ...]:
    """List what counted for or against severity, by name, heaviest first."""
    counted = [(rule.name, rule.points) for rule in met if rule.towards == "severity"]
    counted += [("sounds_grave", _lacking(met))] * (sounds_grave and not is_grave(met))
    return tuple(sorted(counted, key=lambda each: (-each[1], each[0])))


def doubtful(met: tuple[Rule, ...]) -> bool:
    """Tell whether the text is garbled, or tries to tell the software what to answer."""
    return _sum(met, "doubt") > 0


def _lacking(met: tuple[Rule, ...]) -> int:
    """Points up to high."""
    return max(0, _HIGH - _sum(met, "severity"))


def _sum(met: tuple[Rule, ...], towards: str) -> int:
    return sum(rule.points for rule in met if rule.towards == towards)
