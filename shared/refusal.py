"""A decision of the domain to say no, in words for both languages."""

import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

Language = Literal["zh", "en"]
"""The languages this product speaks to people."""

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


class Refused(Exception):
    """This cannot be done."""

    # The docstring of a subclass is its public English title and ``zh`` its public Chinese one; what a kind is for
    # stands in comments, because these docstrings are read by customers' systems.
    zh: ClassVar[str] = "无法办理。"
    slug: ClassVar[str] = "refused"

    def __init_subclass__(cls, **arguments: object) -> None:
        """Derive the slug, and insist that the refusal can be told in both languages."""
        super().__init_subclass__(**arguments)
        if not cls.__doc__ or "zh" not in cls.__dict__:
            raise TypeError(f"{cls.__name__} needs a docstring (its English title) and zh (its Chinese title)")
        cls.slug = _WORD_START.sub("-", cls.__name__).lower()

    def __init__(self, *, detail: Mapping[Language, str] | None = None, **values: object) -> None:
        super().__init__(self.title("en"))
        self.detail = detail
        self.values = values

    @classmethod
    def title(cls, language: Language) -> str:
        """Say in one sentence what was refused; the same for every occurrence."""
        if language == "zh":
            return cls.zh
        paragraph = inspect.cleandoc(cls.__doc__ or "").split("\n\n")[0]
        return " ".join(paragraph.split())


@dataclass(frozen=True, slots=True)
class Violation:
    """
    One thing that is wrong with what was sent.

    ``pointer`` says where: a JSON Pointer in fragment form into the body (``#/remedy/amount``, RFC 6901 section 6),
    or ``query/limit``, ``header/if-match``, ``path/id`` for what came beside the body.
    """

    pointer: str
    zh: str
    en: str

    def text(self, language: Language) -> str:
        """Say what is wrong, in the reader's language."""
        return self.zh if language == "zh" else self.en


class NotFound(Refused):
    """There is nothing of that name."""

    zh = "找不到所请求的对象。"


class Conflict(Refused):
    """The present state does not allow this."""

    zh = "当前状态不允许此操作。"


class Invalid(Refused):
    """What was sent is not valid."""

    zh = "提交的内容无效。"

    def __init__(
        self,
        errors: Iterable[Violation] = (),
        *,
        detail: Mapping[Language, str] | None = None,
        **values: object,
    ) -> None:
        super().__init__(detail=detail, **values)
        self.errors = tuple(errors)


class Stale(Refused):
    """Someone has changed this in the meantime."""

    zh = "该内容已被他人修改。"


class Denied(Refused):
    """You may not do this."""

    zh = "您无权进行此操作。"


class Busy(Refused):
    """This cannot be done just now; please try again."""

    zh = "暂时无法处理，请稍后重试。"

    def __init__(
        self,
        *,
        retry_after_seconds: int = 1,
        detail: Mapping[Language, str] | None = None,
        **values: object,
    ) -> None:
        super().__init__(detail=detail, **values)
        self.retry_after_seconds = retry_after_seconds


class TooLarge(Refused):
    """What was sent is too large."""

    zh = "提交的内容过大。"


class PreconditionRequired(Refused):
    """Say which revision you have seen."""

    zh = "请说明您所依据的版本。"
