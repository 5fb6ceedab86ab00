"""What a handler asks to have loaded before it runs, and how its rows are known. Standard library only."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Stream:
    """The stream of one subject, locked: whoever announces on it or changes its rows asks for this."""

    subject: UUID


class Rows(NamedTuple):
    """
    All rows of a kind whose columns equal the values; without columns, every row of the kind.

    A tuple, because needs are made and looked up several times for every message (measured: a third of a dataclass).
    """

    kind: type
    columns: tuple[str, ...]
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Number:
    """The next value of a sequence, for one asker; values may be lost, never given twice."""

    sequence: str
    asker: UUID


Need = Stream | Rows | Number


def rows(kind: type, **equal: object) -> Rows:
    """
    The need for all rows of *kind* in which every named column has the given value.

    Raises:
        ValueError: a value is None, which equals nothing in SQL.
    """
    columns = tuple(sorted(equal))
    if missing := [column for column in columns if equal[column] is None]:
        raise ValueError(f"{kind.__name__} rows cannot be asked for by a missing value: {', '.join(missing)}")
    return Rows(kind, columns, tuple(equal[column] for column in columns))


@dataclass(frozen=True)
class Kind:
    """
    How the rows of one frozen dataclass are told apart.

    ``key`` names its primary key; ``stream`` the column with the subject whose lock guards the row, if any;
    ``additive`` are counters that several writers move at once: the difference is written, not the value.
    """

    row: type
    key: tuple[str, ...]
    stream: str | None = None
    additive: tuple[str, ...] = ()

    @cached_property
    def key_of(self) -> Callable[[Any], Any]:
        """The function from a row to its key: a single value, or a tuple for a key of several columns."""
        return attrgetter(*self.key)
