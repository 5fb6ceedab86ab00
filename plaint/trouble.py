"""What stops a command, in words that its reader can act on."""

from typing import Final

FAILED: Final = 1
USAGE: Final = 2
STUCK: Final = 3
UNREACHABLE: Final = 4
INTERRUPTED: Final = 130


class Trouble(Exception):
    """
    A command cannot go on, and its reader can do something about it.

    Attributes:
        key: the sentence in the catalogue, e.g. ``nothing.running``.
        values: what the sentence's blanks are filled with.
        code: the exit code.
        detail: lines shown below the sentence, such as the end of a log.
        status: the HTTP status when a service refused.
    """

    def __init__(
        self, key: str, *, code: int = FAILED, detail: str = "", status: int | None = None, **values: object
    ) -> None:
        super().__init__(key)
        self.key = key
        self.values = values
        self.code = code
        self.detail = detail
        self.status = status
