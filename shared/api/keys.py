"""
API keys: who calls, and what the caller may do.

A key reads ``plaint_<id>_<secret>`` and is presented as ``Authorization: Bearer``. The file that names the keys holds
hashes only. Without a file, or with one that cannot be read, everything is refused.
"""

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import structlog
from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

from shared.refusal import Denied

log = structlog.get_logger(__name__)

_ID = r"[a-z0-9][a-z0-9-]{0,39}"
_KEY = re.compile(rf"plaint_(?P<id>{_ID})_[0-9a-f]{{64}}")
_LOOK_AGAIN_SECONDS = 1.0

_SCHEME = HTTPBearer(
    bearerFormat="plaint_<id>_<secret>",
    description="An API key. The scopes listed are what it must hold. API 密钥；所列权限均须具备。",
)


class KeyRecord(BaseModel):
    """What is kept of a key: the SHA-256 of its whole text, what it may do, and until when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # 256 random bits cannot be guessed, so a fast hash is enough.
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    scopes: frozenset[str]
    expires_at: AwareDatetime | None = None


_RECORDS = TypeAdapter(dict[Annotated[str, Field(pattern=f"^{_ID}$")], KeyRecord])
# Compared with when no key has the id, so that an unknown id takes as long as a wrong secret.
_NOBODY = KeyRecord(sha256="0" * 64, scopes=frozenset())


@dataclass(frozen=True, slots=True)
class Caller:
    """Who presented a key."""

    id: str
    scopes: frozenset[str]


class ScopeMissing(Denied):
    """This key does not allow this."""

    zh = "此密钥没有所需的权限。"


def issue_key(
    key_id: str, scopes: Iterable[str], expires_at: datetime | None = None
) -> tuple[str, dict[str, KeyRecord]]:
    """
    Make a new key.

    Args:
        key_id: what logs and the history call the holder: lower-case letters, digits and hyphens, at most 40.
        scopes: what the key allows, such as ``intake:write``.
        expires_at: from when it is refused; aware.

    Returns:
        The key, which nobody can show again, and the entry for the file.

    Raises:
        ValueError: the id has another form.
    """
    if not re.fullmatch(_ID, key_id):
        raise ValueError("a key id holds lower-case letters, digits and hyphens, 40 at most")
    key = f"plaint_{key_id}_{secrets.token_hex(32)}"
    return key, {key_id: KeyRecord(sha256=_hash(key), scopes=frozenset(scopes), expires_at=expires_at)}


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


class Keys:
    """The keys in a JSON file, ``{"<id>": {"sha256", "scopes", "expires_at"?}}``, as it is now."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._records: dict[str, KeyRecord] = {}
        self._version: tuple[int, int, int] | None = None
        self._look_again_at = 0.0

    def find(self, key: str) -> Caller | None:
        """Say whose key this is; nobody's if it is unknown, wrong or expired."""
        match = _KEY.fullmatch(key)
        if match is None:
            return None
        record = self._current().get(match["id"], _NOBODY)
        if not hmac.compare_digest(record.sha256, _hash(key)):
            return None
        if record.expires_at is not None and record.expires_at <= datetime.now(UTC):
            return None
        return Caller(match["id"], record.scopes)

    def _current(self) -> dict[str, KeyRecord]:
        now = time.monotonic()
        if now >= self._look_again_at:
            self._look_again_at = now + _LOOK_AGAIN_SECONDS
            version = self._stamp()
            if version != self._version:
                self._version, self._records = version, self._read()
        return self._records

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            stat = self._path.stat() if self._path else None
        except OSError:
            return None
        return (stat.st_mtime_ns, stat.st_size, stat.st_ino) if stat else None

    def _read(self) -> dict[str, KeyRecord]:
        try:
            records = _RECORDS.validate_json(self._path.read_bytes()) if self._path else {}
        except (OSError, ValidationError):
            log.exception("key file cannot be read, every request is refused")
            return {}
        log.info("keys read", count=len(records))
        return records


def authenticate(request: Request) -> Caller:
    """
    Say who makes this request.

    Raises:
        HTTPException: 401, with the same words whether the key is missing, unknown, wrong or expired.
    """
    known: Caller | None = getattr(request.state, "caller", None)
    if known is not None:
        return known
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    keys: Keys = request.app.state.keys
    caller = keys.find(key.strip()) if scheme.lower() == "bearer" else None
    if caller is None:
        raise HTTPException(401, headers={"www-authenticate": 'Bearer realm="plaint"'})
    request.state.caller = caller
    return caller


class Guard(SecurityBase):
    """Lets in callers whose key holds one scope; OpenAPI shows it as the scheme ``ApiKey``."""

    model = _SCHEME
    scheme_name = "ApiKey"

    def __init__(self, scope: str) -> None:
        self._scope = scope

    async def __call__(self, request: Request) -> Caller:
        """
        Say who makes this request, if they may.

        Raises:
            HTTPException: 401, as ``authenticate`` has it.
            ScopeMissing: the key does not hold the scope.
        """
        caller = authenticate(request)
        if self._scope not in caller.scopes:
            raise ScopeMissing(missing_scopes=[self._scope])
        return caller


def refuse_strangers(request: Request) -> None:
    """
    Make sure that whoever calls a guarded route has a key, for what is answered before its guard is asked.

    Raises:
        HTTPException: 401, as ``authenticate`` has it.
    """
    route = request.scope.get("fastapi", {}).get("effective_route_context") or request.scope.get("route")
    dependant = getattr(route, "dependant", None)
    if any(isinstance(each.call, Guard) for each in getattr(dependant, "dependencies", ())):
        authenticate(request)


def require(scope: str) -> Any:  # noqa: ANN401 - FastAPI's marker, whose type is its own affair
    """
    Let in only callers whose key holds *scope*.

    Use it as ``caller: Annotated[Caller, require("intake:write")]`` or in ``dependencies=[require(…)]``. Who has no
    valid key gets 401, whose key lacks the scope 403.
    """
    return Security(Guard(scope), scopes=[scope])
