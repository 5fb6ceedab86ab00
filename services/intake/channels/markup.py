"""HTML mail to the text a person saw: no images fetched, no scripts, no styles."""

import html
import re

import inscriptis
from inscriptis.css_profiles import CSS_PROFILES
from inscriptis.model.config import ParserConfig

# Inline images can be megabytes of base64 in front of the words.
_EMBEDDED = re.compile(r"\bdata:[\w.+/-]{1,80}[;,][^\"'\s>)]*")
_TAG = re.compile(r"<[^<>]*>")
# Layout of a longer page takes seconds; the customer's own words come first in any mail.
_LONGEST = 300_000
_INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def visible_text(page: str) -> str:
    """Return the text of an HTML page as it would be read, tables and lists kept in lines."""
    page = _EMBEDDED.sub("", _INVISIBLE.sub("", page))[:_LONGEST]
    try:
        text = str(inscriptis.get_text(page, ParserConfig(css=CSS_PROFILES["strict"])))
    except (SyntaxError, RecursionError, ValueError, AttributeError, IndexError):
        # lxml's parse errors are SyntaxErrors.
        text = ""
    # The HTML parser drops what is nested deeper than it likes: words without layout are better than none.
    return text if text.strip() else html.unescape(_TAG.sub(" ", page))
