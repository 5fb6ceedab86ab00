"""The random passwords and keys of a stack, made once and kept where only its user can read them."""

import json
import os
import secrets
from pathlib import Path
from typing import Final

from shared.api.keys import issue_key

SCOPES: Final = (
    *("intake:read", "intake:write", "intake:deliver", "intake:erase"),
    *("routing:read", "routing:write"),
    *("resolution:read", "resolution:write"),
    *("followup:read", "followup:write"),
    "admin",
)
"""All there is; the operator's key holds them all."""

_OPERATOR = "operator"


class Credentials:
    """
    What a stack in *folder* needs to keep secret; made on first use, the same at every later start.

    Attributes:
        keys_file: the hashed API keys that the services read.
        key_file: the operator's key, as text.
    """

    def __init__(self, folder: Path) -> None:
        self.keys_file = folder / "keys.json"
        self.key_file = folder / "operator.key"
        self._passwords = folder / "passwords.json"

    def operator_key(self) -> str:
        """Return the operator's key, after issuing it where there is none."""
        if not (self.key_file.exists() and self.keys_file.exists()):
            key, record = issue_key(_OPERATOR, SCOPES)
            entry = {name: kept.model_dump(mode="json", exclude_none=True) for name, kept in record.items()}
            write_private(self.keys_file, json.dumps(entry, indent=2))
            write_private(self.key_file, key + "\n")
        return self.key_file.read_text().strip()

    def passwords(self, roles: tuple[str, ...]) -> dict[str, str]:
        """Return the database password of each of *roles*."""
        known = json.loads(self._passwords.read_text()) if self._passwords.exists() else {}
        missing = {role: secrets.token_urlsafe(24) for role in roles if role not in known}
        if missing:
            write_private(self._passwords, json.dumps(known | missing))
        return {role: (known | missing)[role] for role in roles}


def write_private(path: Path, text: str) -> None:
    """Replace the file at *path* in one step by *text*, closed to other users unless it was open to them before."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.chmod(mode)
    unfinished.replace(path)
