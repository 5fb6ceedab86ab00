"""
Keep personal data out of what leaves the mailroom: swap it for typed tokens, and put it back for the customer.

`mask` finds what has a recognisable form (phones, e-mails, identity documents, bank cards, street addresses) and
the names it is told. That is best effort: other people's names, nicknames and stories stay in the text, and now
and then a harmless number that looks personal goes. Standard library only. Linear in the length of the text:
every pattern has a bounded length or cannot start again inside its own run.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from shared.privacy.addresses import CHINESE_CUE, find_english, find_estate, find_street
from shared.privacy.email import find_email
from shared.privacy.forms import FOLD, Span, cover, shield
from shared.privacy.names import find_names, may_hold_name
from shared.privacy.numbers import NUMBER_FORMS, find_numbers, runs

__all__ = ["Masked", "Searched", "mask", "search", "unmask"]

Claim: TypeAlias = tuple[Span, str]

_TOKEN: Final = re.compile(r"⟦(phone|email|id|card|address|name|bracket):([1-9][0-9]{0,8})⟧")
_TYPED_BRACKET: Final = "⟦bracket:1⟧"
# What has a form holds one of these. Full-width letters stand here because names need them folded.
_CUE: Final = re.compile(f"[0-9０-９@＠Ａ-Ｚａ-ｚ]|{CHINESE_CUE}")
_FORMS: Final[tuple[tuple[str, Callable[[str], Iterable[Span]]], ...]] = (
    ("email", find_email),
    ("address", find_street),
    ("address", find_estate),
    ("address", find_english),
)


@dataclass(frozen=True)
class Masked:
    """
    A text without the personal data that was found in it.

    Attributes:
        text: the text with tokens such as `⟦phone:1⟧`.
        tokens: token to what it stands for, as first written, with the tokens handed in. Personal data.
    """

    text: str
    tokens: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Searched:
    """
    A text in which everything with a recognisable form has been found, for `mask` to swap. Personal data.

    Attributes:
        text: as it was written.
        claims: where something personal stands, and of what kind it is.
        plain: the text folded, with shields over the claims; None where nothing in it calls for folding.
    """

    text: str = field(repr=False)
    claims: tuple[Claim, ...] = field(default=(), repr=False)
    plain: str | None = field(default=None, repr=False)


def search(text: str) -> Searched:
    """Find everything that can be found without knowing anybody's name, which is what takes time."""
    if _CUE.search(text) is None:
        return Searched(text)
    return _searched(text, text.translate(FOLD))


def mask(text: str | Searched | Masked, names: Collection[str] = (), tokens: Mapping[str, str] | None = None) -> Masked:
    """
    Swap personal data for tokens.

    The same value gets the same token however it is spelled (spaces, dashes, +86, full width, capitals), so
    `unmask` gives back the exact text as long as each value is spelled in one way, and its first spelling
    otherwise. A `str` is what somebody wrote: an opening bracket `⟦` in it becomes a token itself
    (`⟦bracket:1⟧`), so a token typed by the writer is never filled in. A `Masked` keeps its tokens and is searched
    again, which changes nothing unless there are new names.

    Args:
        text: what a customer wrote, searched before or not, or a text masked before.
        names: the known customer's own names, in every script they are known in. A Chinese surname also goes
            before a title (王先生) and in 我姓王, a given name in 我叫小明; a Latin name also goes reversed, in
            part after Mr or Ms, in "my name is" and under the letter. Of each the first 60 characters count.
        tokens: token to original from earlier texts, to be continued.
    """
    known = dict(tokens or {})
    if isinstance(text, Masked):
        again = _searched(text.text, _TOKEN.sub(_shield_over, text.text.translate(FOLD)))
        return _swap(text.text, _with_names(again, names), {**known, **text.tokens}, bracket="⟦")
    searched = search(text) if isinstance(text, str) else text
    if "⟦" in searched.text:
        known[_TYPED_BRACKET] = "⟦"
    return _swap(searched.text, _with_names(searched, names), known, bracket=_TYPED_BRACKET)


def unmask(text: str, tokens: Mapping[str, str]) -> str:
    """Put the originals back; a token that is not in `tokens` stays, and what is put in is not read again."""
    return _TOKEN.sub(lambda token: tokens.get(token[0], token[0]), text)


def _searched(text: str, plain: str) -> Searched:
    """Find what has a form; each finder sees what the ones before it took as tokens, as a second masking will."""
    claims: list[Claim] = []
    for kind, find in _FORMS:
        plain = _claim(kind, find(plain), plain, claims)
    if among := runs(plain):
        for form in NUMBER_FORMS:
            plain = _claim(form.kind, find_numbers(form, plain, among), plain, claims)
    return Searched(text, tuple(claims), plain)


def _claim(kind: str, found: Iterable[Span], plain: str, claims: list[Claim]) -> str:
    spans = list(found)
    if not spans:
        return plain
    claims += ((span, kind) for span in spans)
    return cover(plain, spans)


def _with_names(searched: Searched, names: Collection[str]) -> list[Claim]:
    claims = list(searched.claims)
    plain = searched.text if searched.plain is None else searched.plain
    if names and may_hold_name(plain, names):
        folded = plain.translate(FOLD) if searched.plain is None else plain
        claims += ((span, "name") for span in find_names(folded, names))
    return claims


def _swap(text: str, claims: list[Claim], tokens: dict[str, str], *, bracket: str) -> Masked:
    """Put tokens in the place of the claims, and `bracket` in the place of every opening bracket between them."""
    if not claims:
        return Masked(text.replace("⟦", bracket), tokens)
    found = {token: match for token in tokens if (match := _TOKEN.fullmatch(token))}
    token_of = {(match[1], _canonical(match[1], tokens[token])): token for token, match in found.items()}
    last: Counter[str] = Counter()
    for match in found.values():
        last[match[1]] = max(last[match[1]], int(match[2]))
    pieces: list[str] = []
    done = 0
    for (start, end), kind in sorted(claims):
        original = text[start:end]
        key = (kind, _canonical(kind, original))
        if key not in token_of:
            last[kind] += 1
            token_of[key] = f"⟦{kind}:{last[kind]}⟧"
            tokens[token_of[key]] = original
        pieces += text[done:start].replace("⟦", bracket), token_of[key]
        done = end
    return Masked("".join((*pieces, text[done:].replace("⟦", bracket))), tokens)


def _shield_over(token: re.Match[str]) -> str:
    # A typed bracket must not protect the number beside it.
    return "\0" * len(token[0]) if token[0] == _TYPED_BRACKET else shield(len(token[0]))


_CHINESE_DIGITS: Final = 11
"""The longest Chinese number without its country code: a mobile one."""


def _canonical(kind: str, original: str) -> str:
    """Give the form in which two spellings of one value are equal."""
    plain = original.translate(FOLD).casefold()
    if kind == "email":
        return plain
    if kind != "phone":
        return "".join(filter(str.isalnum, plain))
    digits = "".join(filter(str.isdecimal, plain)).removeprefix("00")
    if digits.startswith("86") and len(digits) > _CHINESE_DIGITS:
        return digits[2:].removeprefix("0")
    return f"+{digits}" if plain.lstrip("( ").startswith(("+", "00")) else digits.removeprefix("0")
