"""
The ``Idempotency-Key`` of a request (draft-ietf-httpapi-idempotency-key-header).

A caller who repeats a request with the same key gets the first answer again.
"""

import hashlib
import re
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import WithJsonSchema

from shared.api.keys import authenticate
from shared.refusal import Invalid, Violation
from shared.runtime.message import IdempotencyKey

# Visible ASCII (RFC 9110 VCHAR), bare or as the quoted string of RFC 8941.
_BARE = re.compile(r"[!#-\[\]-~][!-~]{0,254}")
_QUOTED = re.compile(r'"((?:[!#-\[\]-~]|\\["\\]){1,255})"')


async def idempotency_key(
    request: Request,
    key: Annotated[
        str | None,
        WithJsonSchema({"type": "string", "pattern": f"^({_BARE.pattern}|{_QUOTED.pattern})$"}),
        Header(
            alias="Idempotency-Key",
            description="The same for every attempt at one request, such as a UUID; remembered for 7 days."
            " 同一请求的每次重试使用相同的值，保留 7 天。",
            examples=["0199c3f0-6c1e-7a55-9a34-0b1d5c6e7f80"],
        ),
    ] = None,
) -> IdempotencyKey | None:
    """
    Read the key, valid for this caller, method and path only, with the SHA-256 of the body it goes with.

    Raises:
        Invalid: the key is not 1 to 255 visible ASCII characters, bare or quoted.
        HTTPException: 401, nobody is calling.
    """
    if key is None:
        return None
    scope = f"{authenticate(request).id} {request.method} {request.url.path}"
    return IdempotencyKey(scope, parse_key(key), hashlib.sha256(await request.body()).hexdigest())


def parse_key(header: str) -> str:
    """
    Read the value of the header; bare and quoted are the same key.

    Raises:
        Invalid: it has another form.
    """
    text = header.strip()
    if _BARE.fullmatch(text):
        return text
    quoted = _QUOTED.fullmatch(text)
    if quoted is None:
        zh, en = "应为 1 至 255 个可见 ASCII 字符。", "Must be 1 to 255 visible ASCII characters."
        raise Invalid([Violation("header/idempotency-key", zh, en)])
    return re.sub(r"\\(.)", r"\1", quoted[1])


Idempotency = Annotated[IdempotencyKey | None, Depends(idempotency_key)]
"""The parameter of every command that must not be done twice."""
