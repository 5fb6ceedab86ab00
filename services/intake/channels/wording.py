"""Clean text: what a database, a log and a person can all take."""

import re

# NUL is refused by PostgreSQL, lone surrogates by UTF-8; the zero-width ones only break matching.
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u2060\ufeff\ud800-\udfff]")
_LINE_END = re.compile(r"\r\n?|[\x85\u2028\u2029]")
_WHITE_RUN = re.compile(r"\s+")


def clean(text: str) -> str:
    """
    Return *text* with plain line ends and without characters that cannot be stored or seen.

    Lines lose trailing blanks, and more than one empty line in a row becomes one.
    """
    visible = _INVISIBLE.sub("", _LINE_END.sub("\n", text)).replace("\xa0", " ")
    lines: list[str] = []
    for line in map(str.rstrip, visible.split("\n")):
        if line or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).strip("\n")


def clean_line(text: str | None, longest: int = 1000) -> str | None:
    """Return *text* on one line, at most *longest* characters; ``None`` when nothing is left."""
    return _WHITE_RUN.sub(" ", clean(text or "")).strip()[:longest] or None
