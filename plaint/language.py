"""Which of our two languages the reader at this terminal reads."""

from collections.abc import Mapping
from typing import Final, Literal, get_args

from plaint.trouble import USAGE, Trouble

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)

# POSIX: the first of these that is set decides about messages.
_LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def reader_language(wanted: str | None, environment: Mapping[str, str]) -> Language:
    """
    Choose zh or en: by what was asked for, else by ``PLAINT_LANG``, else by the locale; who says nothing reads en.

    Raises:
        Trouble: a language was asked for that is neither.
    """
    asked = wanted or environment.get("PLAINT_LANG")
    if asked:
        return _named(asked)
    locale = next((environment[name] for name in _LOCALE_VARIABLES if environment.get(name)), "")
    return _primary(locale) or "en"


def _named(asked: str) -> Language:
    language = _primary(asked)
    if language is None:
        raise Trouble("usage.language", code=USAGE, language=asked)
    return language


def _primary(tag: str) -> Language | None:
    primary = tag.lower().replace("_", "-").split("-")[0].split(".")[0]
    return next((language for language in LANGUAGES if language == primary), None)
