"""Which complaint is meant, and how to name it to a reader."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from plaint.client import Client
from plaint.trouble import Trouble

_NOT_FOUND = 404
_NUMBER = re.compile(r"[A-Za-z]+-\d{4}-\d+")


def complaint_id(client: Client, named: str) -> UUID:
    """
    Return the id of the complaint that *named* names: a number such as CMP-2026-000123, which intake knows, or the id.

    Raises:
        Trouble: it is neither, intake knows no such number, or intake cannot be asked.
    """
    try:
        return UUID(named)
    except ValueError:
        if not _NUMBER.fullmatch(named):
            raise Trouble("complaint.unreadable", named=named) from None
    try:
        found = client.get("intake", f"/v1/complaints/{named.upper()}")
    except Trouble as trouble:
        if trouble.status == _NOT_FOUND:
            raise Trouble("complaint.unknown", named=named) from trouble
        raise
    return UUID(found["complaint_id"])


class Names:
    """How complaints are called: by their number once it was heard, until then by the end of their id."""

    def __init__(self) -> None:
        self._numbers: dict[str, str] = {}

    def hear(self, subject: str, data: Mapping[str, Any]) -> None:
        """Note the number where an event carries it."""
        if isinstance(data.get("number"), str):
            self._numbers[subject] = data["number"]

    def name(self, subject: str) -> str:
        """Return what to call the complaint."""
        # The first digits of a UUIDv7 are the time and much the same for all.
        return self._numbers.get(subject) or f"…{subject[-8:]}"
