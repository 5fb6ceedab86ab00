"""Long lists in pages: an opaque cursor after the last key, no offsets, no totals."""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, datetime
from functools import lru_cache
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import to_json

from shared.refusal import Invalid, Violation

Item = TypeVar("Item")


class Page(BaseModel, Generic[Item]):
    """Some items of a list, and the cursor of those that follow."""

    items: list[Item]
    next: str | None = Field(default=None, description="The cursor of the next page. 下一页的游标。")


class CursorInvalid(Invalid):
    """This cursor is not one of ours."""

    zh = "游标无效。"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page is wanted: at most ``limit`` items after the ``cursor``."""

    limit: int
    cursor: str | None = None

    def last_key(self, *kinds: Any) -> tuple[Any, ...] | None:  # noqa: ANN401 - one type for each part of the key
        """
        Read the key of the last item of the page before; None asks for the first page.

        Args:
            kinds: the type of each part, as in ``last_key(datetime, UUID)``.

        Raises:
            CursorInvalid: the cursor is not made of such a key.
        """
        return None if self.cursor is None else read_cursor(self.cursor, *kinds)


def write_cursor(*key: object) -> str:
    """Make a cursor of the parts of a key."""
    return base64.urlsafe_b64encode(to_json(key)).rstrip(b"=").decode("ascii")


def read_cursor(cursor: str, *kinds: Any) -> tuple[Any, ...]:  # noqa: ANN401 - one type for each part of the key
    """
    Read the key out of a cursor.

    Raises:
        CursorInvalid: it does not hold exactly these kinds of parts.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = _adapter(kinds).validate_json(text)
    except (binascii.Error, UnicodeEncodeError, ValueError, ValidationError) as error:
        raise _invalid() from error
    if not all(map(_storable, key)):
        raise _invalid()
    return key


def _storable(part: object) -> bool:
    """Whether PostgreSQL can compare something with it."""
    if isinstance(part, datetime):
        return part.tzinfo is not None and 1 < part.year < MAXYEAR
    if isinstance(part, int):
        return abs(part) < 2**63
    return not (isinstance(part, str) and "\0" in part)


@lru_cache(maxsize=64)
def _adapter(kinds: tuple[Any, ...]) -> TypeAdapter[tuple[Any, ...]]:
    shape: Any = tuple[kinds]  # type: ignore[valid-type] # known only when a route asks
    return TypeAdapter(shape)


def _invalid() -> CursorInvalid:
    zh, en = "请使用上一页返回的游标。", "Use the cursor that came with the page before."
    return CursorInvalid([Violation("query/cursor", zh, en)])


async def page_request(
    limit: Annotated[int, Query(ge=1, le=200, description="Items per page. 每页条数。")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=1000, description="`next` of the page before. 上一页的 `next`。")
    ] = None,
) -> PageRequest:
    """Read which page is wanted."""
    return PageRequest(limit, cursor)


Paging = Annotated[PageRequest, Depends(page_request)]
"""The parameter of every route that answers with a list."""


def page_of(
    found: Sequence[Item],
    wanted: PageRequest,
    key: Callable[[Item], tuple[object, ...]],
    request: Request,
    response: Response,
) -> Page[Item]:
    """
    Make the page out of what was found, and link to the next one (``Link: rel="next"``, RFC 8288).

    Args:
        found: up to ``wanted.limit + 1`` items; the one too many says that there is a next page.
        wanted: what was asked for.
        key: tells the sort key of an item, the same parts as the query orders by.
        request: whose other parameters the link keeps.
        response: which gets the link.
    """
    items = list(found[: wanted.limit])
    if len(found) <= wanted.limit:
        return Page(items=items)
    following = write_cursor(*key(items[-1]))
    url = request.url.include_query_params(cursor=following)
    response.headers["link"] = f'<{url.path}?{url.query}>; rel="next"'
    return Page(items=items, next=following)
