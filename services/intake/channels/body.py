"""What a mail says, out of all the parts that claim to say it, and the files that came with it."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from services.intake.channels.charset import decode
from services.intake.channels.contact import Attachment
from services.intake.channels.markup import visible_text
from services.intake.channels.parts import Part
from services.intake.channels.wording import clean, clean_line

_HTML_START = re.compile(r"\s*<(?:!doctype\s+html|html|body|div|meta)\b", re.IGNORECASE)
# A plain part this short is checked against the HTML beside it: it may only say "please enable HTML".
_STUB_CHARS = 200
# Bytes of one text part that are read: far beyond the text that is kept, and still a fraction of a second.
_LONGEST_WORDING = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Body:
    """The words of a mail before its history is taken off."""

    text: str = ""
    charset: str | None = None
    warnings: tuple[str, ...] = ()


def read_body(part: Part) -> Body:
    """Return what *part* says: of alternatives the best, of anything else all of it in order."""
    if part.children:
        bodies = [read_body(child) for child in part.children]
        return _best(part, bodies) if part.get_content_type() == "multipart/alternative" else _joined(bodies)
    return _decoded(part) if is_wording(part) else Body()


def list_attachments(mail: Part) -> tuple[Attachment, ...]:
    """Return the files in *mail*, attached messages unopened and calendar entries included."""
    leaves = [leaf for leaf in mail.leaves() if not is_wording(leaf)]
    return tuple(_described(leaf, place) for place, leaf in enumerate(leaves, start=1) if leaf.content)


def is_wording(part: Part) -> bool:
    """Say whether a leaf is text to be read in place and not a file."""
    kind = part.get_content_type()
    # A multipart without a usable boundary was not split: what is in it is still the customer's.
    if part.depth == 1 and kind.startswith(("text/", "multipart/")):
        return True
    inline = part.get_content_disposition() != "attachment" and part.filename is None
    return inline and (kind in {"text/plain", "text/html"} or kind.startswith("multipart/"))


def _best(part: Part, bodies: list[Body]) -> Body:
    """Choose between alternatives: the plain text, unless it is a stub beside the HTML."""
    plain = _joined(
        body for child, body in zip(part.children, bodies, strict=True) if child.get_content_type() == "text/plain"
    )
    rich = max(bodies, key=lambda body: len(body.text))
    is_stub = len(plain.text) < _STUB_CHARS and 4 * len(plain.text) < len(rich.text)
    return rich if is_stub or not plain.text else plain


def _joined(bodies: Iterable[Body]) -> Body:
    spoken = [body for body in bodies if body.text]
    return Body(
        "\n".join(body.text for body in spoken),
        next((body.charset for body in spoken), None),
        tuple(dict.fromkeys(warning for body in spoken for warning in body.warnings)),
    )


def _decoded(part: Part) -> Body:
    decoded = decode(part.content[:_LONGEST_WORDING], part.parameter("content-type", "charset"))
    text = decoded.text
    if part.get_content_type() == "text/html" or _HTML_START.match(text):
        text = visible_text(text)
    elif (part.parameter("content-type", "format") or "").lower() == "flowed":
        text = unflow(text, delete_space=(part.parameter("content-type", "delsp") or "").lower() == "yes")
    return Body(clean(text), decoded.charset, (decoded.warning,) if decoded.warning else ())


def unflow(text: str, *, delete_space: bool = False) -> str:
    """Join the lines of ``format=flowed`` text (RFC 3676) into the paragraphs that were typed."""
    pieces: list[str] = []
    is_open, depth = False, 0
    for line in text.splitlines():
        marks = len(line) - len(line.lstrip(">"))
        words = line[marks:].removeprefix(" ")
        is_signature = words == "-- "
        if not is_open or marks != depth or is_signature:
            pieces.append(f"\n{'>' * marks} " if marks else "\n")
        is_open, depth = words.endswith(" ") and not is_signature, marks
        pieces.append(words[:-1] if is_open and delete_space else words)
    return "".join(pieces).removeprefix("\n")


def _described(leaf: Part, place: int) -> Attachment:
    content = leaf.content
    return Attachment(
        name=leaf.filename or f"part-{place}",
        content_type=clean_line(leaf.media_type, 100) or "application/octet-stream",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
