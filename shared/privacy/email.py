"""E-mail addresses."""

import re
from collections.abc import Iterator
from typing import Final

from shared.privacy.forms import Finder, Span

# RFC 5321: at most 64 characters before the @. The last label begins with a letter, which tells an address from a
# price such as 3@1.5.
_EMAIL = (
    r"(?<![A-Za-z0-9_\x03])[A-Za-z0-9_][A-Za-z0-9._%+'-]{0,63}+@"
    r"(?:[A-Za-z0-9-]++\.)+[A-Za-z][A-Za-z0-9-]*+"
)
_FINDER: Final = Finder(re.compile(_EMAIL))


def find_email(plain: str) -> Iterator[Span]:
    """Every e-mail address."""
    return _FINDER.find(plain) if "@" in plain else iter(())
