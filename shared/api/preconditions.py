"""Revisions as strong entity tags (RFC 9110 section 8.8.3), so that nobody overwrites what they have not seen."""

import re
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import WithJsonSchema

from shared.api.keys import authenticate
from shared.refusal import Invalid, PreconditionRequired, Violation

_TAG = re.compile(r'"(0|[1-9][0-9]{0,17})"')

_HEADER = Header(alias="If-Match", description="The ETag of what you have seen. 您所见版本的 ETag。", examples=['"7"'])
_Tag = Annotated[str | None, WithJsonSchema({"type": "string", "pattern": f"^{_TAG.pattern}$"}), _HEADER]
_TagOrAny = Annotated[str | None, WithJsonSchema({"type": "string", "pattern": rf"^({_TAG.pattern}|\*)$"}), _HEADER]


def etag(revision: int) -> str:
    """Write a revision as an ``ETag`` header."""
    return f'"{revision}"'


async def seen_revision(request: Request, if_match: _Tag = None) -> int:
    """
    Read which revision the caller has seen.

    Raises:
        HTTPException: 401, nobody is calling.
        PreconditionRequired: there is no ``If-Match``.
        Invalid: it is not one strong tag of ours; ``*`` is none.
    """
    authenticate(request)
    if if_match is None:
        raise PreconditionRequired
    match = _TAG.fullmatch(if_match.strip())
    if match is None:
        raise Invalid(
            [Violation("header/if-match", '应为一个强 ETag，例如 "7"。', 'Must be one strong ETag such as "7".')]
        )
    return int(match[1])


async def seen_revision_or_any(request: Request, if_match: _TagOrAny = None) -> int | None:
    """Read which revision the caller has seen; ``*``, which means any, is None."""
    if if_match is not None and if_match.strip() == "*":
        return None
    return await seen_revision(request, if_match)


SeenRevision = Annotated[int, Depends(seen_revision)]
"""The usual parameter of a command: the revision its sender has seen."""

SeenRevisionOrAny = Annotated[int | None, Depends(seen_revision_or_any)]
"""For the rare command that is right whatever has happened meanwhile."""
