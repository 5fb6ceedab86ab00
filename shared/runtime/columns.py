"""From a frozen dataclass to the columns of its table and back, and the set-based statements for a kind."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import asyncpg
from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB

from shared.runtime.tables import Stored

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


class Columns:
    """The statements for one kind of rows, written once when the service starts."""

    def __init__(self, stored: Stored) -> None:
        self.kind = stored.kind
        self.table = stored.table.name
        self.names = tuple(column.name for column in stored.table.columns)
        self._types = {column.name: column.type.compile(dialect=_DIALECT) for column in stored.table.columns}
        self._json = frozenset(column.name for column in stored.table.columns if isinstance(column.type, JSONB))
        self._adapter: TypeAdapter[Any] = TypeAdapter(stored.kind.row)

    def select(self, names: Sequence[str]) -> str:
        """All rows whose *names* equal one of the tuples of ``arrays``."""
        if not names:
            return f"select * from {self.table}"  # noqa: S608 - names come from the code's own tables
        equal = " and ".join(f"t.{name} = w.{name}" for name in names)
        return f"select t.* from {self.table} t join {self._unnest(names)} on {equal}"  # noqa: S608

    def arrays(self, names: Sequence[str], values: Iterable[tuple[object, ...]]) -> list[list[object]]:
        """One array for each name."""
        return [list(column) for column in zip(*set(values), strict=True)] if names else []

    @cached_property
    def delete(self) -> str:
        """Remove the rows whose keys are given as arrays."""
        key = self.kind.key
        equal = " and ".join(f"t.{name} = w.{name}" for name in key)
        return f"delete from {self.table} t using {self._unnest(key)} where {equal}"  # noqa: S608

    @cached_property
    def update(self) -> str:
        """Change the rows whose every column is given as arrays; additive columns are given as differences."""
        sets = ", ".join(
            f"{name} = t.{name} + w.{name}" if name in self.kind.additive else f"{name} = w.{name}"
            for name in self.names
            if name not in self.kind.key
        )
        equal = " and ".join(f"t.{name} = w.{name}" for name in self.kind.key)
        return f"update {self.table} t set {sets} from {self._unnest(self.names)} where {equal}"  # noqa: S608

    def keys(self, rows: Iterable[Any]) -> list[list[Any]]:
        """The arrays for ``delete``."""
        return [list(column) for column in zip(*([getattr(r, n) for n in self.kind.key] for r in rows), strict=True)]

    def changes(self, moved: Iterable[tuple[Any, Any]]) -> list[list[Any]]:
        """The arrays for ``update``."""
        return [list(column) for column in zip(*(self._change(*pair) for pair in moved), strict=True)]

    def values(self, row: Any) -> tuple[Any, ...]:  # noqa: ANN401 - any kind of row
        """A row as its columns' values."""
        return tuple(self._value(row, name) for name in self.names)

    def row(self, record: asyncpg.Record) -> Any:  # noqa: ANN401 - any kind of row
        """A row of the kind from a record of its table."""
        return self._adapter.validate_python({name: record[name] for name in self.names})

    def _change(self, before: Any, now: Any) -> list[Any]:  # noqa: ANN401 - any kind of row
        return [
            getattr(now, name) - getattr(before, name) if name in self.kind.additive else self._value(now, name)
            for name in self.names
        ]

    def _value(self, row: Any, name: str) -> Any:  # noqa: ANN401 - any column
        value = getattr(row, name)
        return to_json(value).decode() if name in self._json and value is not None else value

    def _unnest(self, names: Sequence[str]) -> str:
        arrays = ", ".join(f"${i}::{self._types[name]}[]" for i, name in enumerate(names, 1))
        return f"unnest({arrays}) as w({', '.join(names)})"
