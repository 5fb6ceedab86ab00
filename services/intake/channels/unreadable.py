"""The one refusal of this package: what was handed in cannot be read."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why the input cannot be read, and where it is."""

    pointer: str
    """JSON pointer (RFC 6901) into the body; empty when the whole input is meant."""
    reason: Mapping[str, str]
    """The same sentence under ``zh`` and ``en``; never quotes the input, so it may be logged."""


class Unreadable(Exception):
    """What was handed in cannot be read as what it claims to be."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{problem.pointer or '/'}: {problem.reason['en']}" for problem in problems))
        self.problems = problems

    @property
    def pointer(self) -> str:
        """Where the first problem is."""
        return self.problems[0].pointer

    @property
    def reason(self) -> Mapping[str, str]:
        """The first problem in ``zh`` and ``en``."""
        return self.problems[0].reason


def unreadable(zh: str, en: str, pointer: str = "") -> Unreadable:
    """Return the refusal with one problem."""
    return Unreadable(Problem(pointer, {"zh": zh, "en": en}))
