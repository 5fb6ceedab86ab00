"""The rows of one kind in memory, and which of them a need may mean."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Generic, TypeVar

from shared.runtime.needs import Kind

R = TypeVar("R")


@dataclass(slots=True)
class Index:
    """Under which values of some columns a key was ever put; it may have moved on since, so a reader looks again."""

    values_of: Callable[[Any], tuple[object, ...]]
    keys: dict[tuple[object, ...], dict[Any, None]] = field(default_factory=dict)

    def note(self, key: object, row: object) -> None:
        """Remember that the row with *key* has these values now."""
        self.keys.setdefault(self.values_of(row), {})[key] = None


@dataclass(slots=True)
class Shelf(Generic[R]):
    """The rows of one kind: as they were loaded, and as they are now (None when deleted or absent)."""

    kind: Kind
    loaded: dict[Any, R] = field(default_factory=dict)
    now: dict[Any, R | None] = field(default_factory=dict)
    _indexes: dict[tuple[str, ...], Index] = field(default_factory=dict)

    def note(self, key: object, row: R) -> None:
        """Let a row that was put into ``now`` be found."""
        for index in self._indexes.values():
            index.note(key, row)

    def matching(self, columns: tuple[str, ...], values: tuple[object, ...]) -> list[R]:
        """The present rows whose *columns* equal *values*."""
        index = self._indexes.get(columns) or self._index(columns)
        candidates = map(self.now.get, index.keys.get(values, ()))
        return [row for row in candidates if row is not None and index.values_of(row) == values]

    def accept(self, found: Iterable[R]) -> None:
        """Take rows from the database; a row that this batch already staged keeps its staged state."""
        for row in found:
            key = self.kind.key_of(row)
            untouched = self.now.get(key) is self.loaded.get(key)
            self.loaded[key] = row
            if untouched:
                self.now[key] = row
                self.note(key, row)

    def forget(self) -> None:
        """Start again with nothing."""
        self.loaded.clear()
        self.now.clear()
        self._indexes.clear()

    def changed(self) -> tuple[list[R], list[tuple[R, R]], list[R]]:
        """What differs from the database: new rows, pairs (before, now), and removed rows."""
        new, moved, gone = [], [], []
        for key, row in self.now.items():
            before = self.loaded.get(key)
            if row is before:
                continue
            if before is None and row is not None:
                new.append(row)
            elif before is not None and row is None:
                gone.append(before)
            elif before is not None and row is not None and row != before:
                moved.append((before, row))
        return new, moved, gone

    def _index(self, columns: tuple[str, ...]) -> Index:
        self._indexes[columns] = index = Index(_reader(columns))
        for key, row in self.now.items():
            if row is not None:
                index.note(key, row)
        return index


def _reader(columns: tuple[str, ...]) -> Callable[[Any], tuple[object, ...]]:
    if not columns:
        return lambda _: ()
    read = attrgetter(*columns)
    return read if len(columns) > 1 else lambda row: (read(row),)
