"""What a key must allow."""

from typing import Final

READ: Final = "routing:read"
WRITE: Final = "routing:write"
