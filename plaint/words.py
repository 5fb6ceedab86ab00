"""Every text of the command, in the reader's language."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from plaint.language import Language


@cache
def catalogue(name: str, language: Language) -> Mapping[str, str]:
    """Return the texts of one catalogue (``command``, ``events`` or ``terms``) by key."""
    path = files("plaint") / "catalogue" / f"{name}.{language}.json"
    texts: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return texts


class Words:
    """Says what the command has to say, in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._texts = catalogue("command", language)

    def __call__(self, key: str, **values: object) -> str:
        """
        Return the text of *key* with its blanks filled.

        Raises:
            KeyError: there is no such text, or a blank is left.
        """
        return self._texts[key].format_map(values)

    def known(self, key: str) -> bool:
        """Tell whether there is a text for *key*."""
        return key in self._texts

    def progress(self, key: str) -> str:
        """Say what a stand-in or a service is doing, from a key such as ``postgres.start`` or ``intake.ready``."""
        exact = f"progress.{key}"
        if self.known(exact):
            return self(exact)
        name, _, step = key.rpartition(".")
        return self(f"progress.any.{step}", name=name)
