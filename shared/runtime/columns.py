"""From a frozen dataclass to the columns of its table and back, and the set-based statements for a kind."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import JSONB

from shared.runtime.tables import Stored
from shared.runtime.trip import Part, transposed

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


class Columns:
    """The statements for one kind of rows, written once when the service starts."""

    def __init__(self, stored: Stored) -> None:
        self.kind = stored.kind
        self.table = stored.table.name
        self.names = tuple(column.name for column in stored.table.columns)
        self._types = {column.name: column.type.compile(dialect=_DIALECT) for column in stored.table.columns}
        self._json = [place for place, column in enumerate(stored.table.columns) if isinstance(column.type, JSONB)]
        self._additive = [place for place, name in enumerate(self.names) if name in self.kind.additive]
        self._adapter: TypeAdapter[Any] = TypeAdapter(stored.kind.row)

    def select(self, names: Sequence[str]) -> str:
        """All rows whose *names* equal one of the tuples of ``arrays``."""
        wanted = ", ".join(f"t.{name}" for name in self.names)
        if not names:
            return f"select {wanted} from {self.table} t"  # noqa: S608 - names come from the code's own tables
        equal = " and ".join(f"t.{name} = w.{name}" for name in names)
        return f"select {wanted} from {self.table} t join {self._unnest(names)} on {equal}"  # noqa: S608

    def arrays(self, names: Sequence[str], values: Iterable[tuple[object, ...]]) -> list[list[object]]:
        """One array for each name."""
        return transposed(set(values)) if names else []

    def deleting(self, rows: Sequence[Any]) -> Iterator[Part]:
        """Remove *rows*, if there are any."""
        if rows:
            yield self._delete, transposed([getattr(row, name) for name in self.kind.key] for row in self._sorted(rows))

    def updating(self, moved: Sequence[tuple[Any, Any]]) -> Iterator[Part]:
        """Change rows, given as pairs (before, now); of additive columns the difference is written."""
        if moved:
            pairs = sorted(moved, key=lambda pair: self.kind.key_of(pair[0]))
            yield self._update, transposed(self._change(*pair) for pair in pairs)

    def inserting(self, rows: Sequence[Any]) -> Iterator[Part]:
        """Add *rows*, if there are any."""
        if rows:
            yield self._insert, transposed(map(self._values, self._sorted(rows)))

    def row(self, record: Iterable[Any]) -> Any:  # noqa: ANN401 - any kind of row
        """A row of the kind from the values of its columns."""
        return self._adapter.validate_python(dict(zip(self.names, record, strict=True)))

    def _sorted(self, rows: Sequence[Any]) -> list[Any]:
        """In the order of the keys: rows that no stream guards are written by other replicas at the same time."""
        return sorted(rows, key=self.kind.key_of)

    @cached_property
    def _delete(self) -> str:
        key = self.kind.key
        equal = " and ".join(f"t.{name} = w.{name}" for name in key)
        return f"delete from {self.table} t using {self._unnest(key)} where {equal}"  # noqa: S608

    @cached_property
    def _update(self) -> str:
        sets = ", ".join(
            f"{name} = t.{name} + w.{name}" if name in self.kind.additive else f"{name} = w.{name}"
            for name in self.names
            if name not in self.kind.key
        )
        equal = " and ".join(f"t.{name} = w.{name}" for name in self.kind.key)
        return f"update {self.table} t set {sets} from {self._unnest(self.names)} where {equal}"  # noqa: S608

    @cached_property
    def _insert(self) -> str:
        return f"insert into {self.table} ({', '.join(self.names)}) select * from {self._unnest(self.names)}"  # noqa: S608

    def _values(self, row: Any) -> list[Any]:  # noqa: ANN401 - any kind of row
        values = [getattr(row, name) for name in self.names]
        for place in self._json:
            if values[place] is not None:
                values[place] = to_json(values[place]).decode()
        return values

    def _change(self, before: Any, now: Any) -> list[Any]:  # noqa: ANN401 - any kind of row
        values = self._values(now)
        for place in self._additive:
            values[place] -= getattr(before, self.names[place])
        return values

    def _unnest(self, names: Sequence[str]) -> str:
        arrays = ", ".join(f"${i}::{self._types[name]}[]" for i, name in enumerate(names, 1))
        return f"unnest({arrays}) as w({', '.join(names)})"
