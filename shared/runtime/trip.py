"""
Several statements that go to the server and back as one: what a small batch waits for is round trips.

The text depends only on which statements go together, so each combination is prepared once.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import chain
from typing import Any

from shared.runtime.database import Connection

Part = tuple[str, Sequence[object]]
"""A statement with parameters $1…$n of its own, and their values."""

_PARAMETER = re.compile(r"\$([0-9]+)")


async def read_together(connection: Connection, parts: Sequence[Part]) -> list[list[Sequence[Any]]]:
    """The rows of each query, all from the same snapshot."""
    if not parts:
        return []
    found = await connection.fetchrow(_reading(_texts(parts)), *_values(parts))
    return list(found or ())


async def write_together(connection: Connection, parts: Sequence[Part]) -> str:
    """
    Write what *parts* say, none of which may touch a row of another one.

    Returns:
        By which the server knows the transaction.
    """
    return str(await connection.fetchval(_writing(_texts(parts)), *_values(parts)))


def transposed(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """One array for each column, as ``unnest`` takes them."""
    return [list(column) for column in zip(*rows, strict=True)]


def _texts(parts: Sequence[Part]) -> tuple[str, ...]:
    return tuple(text for text, _ in parts)


def _values(parts: Sequence[Part]) -> Iterable[object]:
    return chain.from_iterable(values for _, values in parts)


@lru_cache(maxsize=1000)
def _reading(texts: tuple[str, ...]) -> str:
    # Whole rows as elements of arrays: one row comes back, whatever the queries' columns are.
    queries = (f"array(select row(q.*) from ({text}) q)" for text in _numbered(texts))  # noqa: S608 - our own texts
    return f"select {', '.join(queries)}"


@lru_cache(maxsize=1000)
def _writing(texts: tuple[str, ...]) -> str:
    # PostgreSQL runs them from the last to the first; in their own order they take their locks as every batch does.
    numbered = reversed(list(enumerate(_numbered(texts))))
    steps = ", ".join(f"w{place} as ({text})" for place, text in numbered)
    return f"with {steps} select pg_current_xact_id()::text"


def _numbered(texts: Iterable[str]) -> Iterator[str]:
    """The statements with their parameters counted through."""
    before = 0
    for text in texts:
        yield _PARAMETER.sub(partial(_shifted, before), text)
        before += max((int(number) for number in _PARAMETER.findall(text)), default=0)


def _shifted(by: int, parameter: re.Match[str]) -> str:
    return f"${int(parameter[1]) + by}"
