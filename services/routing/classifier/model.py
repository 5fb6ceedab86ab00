"""The learnt numbers: a linear model over n-grams and cues, a small one over sentence vectors, and their file."""

import hashlib
import io
import json
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .corpus import CAUSES, MANNERS, SUB_CAUSES
from .grams import Grams, Keys

NAME = "ngram-cues"
VERSION = "4"
ENCODER = "use3"
"""The sentence encoder whose vectors it was learnt from."""
FILE = Path(__file__).with_name("model.npz")

GROUPS = (len(CAUSES), 2, len(MANNERS), 2, len(SUB_CAUSES))
"""Columns of the weights: causes, complaint and none, manners, grave and not, sub-causes."""
COLUMNS = tuple(slice(end - size, end) for size, end in zip(GROUPS, accumulate(GROUPS), strict=True))
"""Where these groups stand."""

SURE = 0.9
"""Probability of the cause, and of being a complaint or none, from which the words decide alone."""

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]

LITTLE = 25.0
"""Length under which a text is not stretched to unit length: about six characters. One word proves little."""


class StaleModel(Exception):
    """The model file is not the one its card describes."""


@dataclass(frozen=True, slots=True)
class Head:
    """
    What was learnt over sentence vectors: a hidden layer, and from there the columns of `GROUPS`.

    Attributes:
        inward: weights from the numbers of a vector to the hidden units.
        inward_usual: what is added to the hidden units.
        outward: weights from the hidden units to the columns.
        outward_usual: what is added to the columns.
    """

    inward: Floats
    inward_usual: Floats
    outward: Floats
    outward_usual: Floats

    def logits(self, vectors: Floats) -> Floats:
        """Judge texts by their vectors, one in each row."""
        hidden = np.maximum(vectors @ self.inward + self.inward_usual, 0)
        judged: Floats = hidden @ self.outward + self.outward_usual
        return judged


@dataclass(frozen=True, slots=True)
class Model:
    """
    What training found out.

    Attributes:
        keys: hashes of the known n-grams, ascending.
        rarity: inverse document frequency of each known n-gram.
        unknown: the rarity that an n-gram never seen counts with: it dilutes what is known.
        weights: one row for each n-gram, then each cue, then one for what is usual (added to every text); the columns
            are those of `GROUPS`. Half precision: the rows of one text are widened when they are read.
        meaning: what was learnt over sentence vectors.
        trust: factors of the logits, a row each: of the words alone, of the words beside the meaning, of the meaning.
        checksum: SHA-256 of the file, hexadecimal.
    """

    keys: Keys
    rarity: Floats
    unknown: float
    weights: Halves
    meaning: Head
    trust: Floats
    checksum: str = ""

    @property
    def name(self) -> str:
        """Name, version and short checksum."""
        return f"{NAME}/{VERSION}+{self.checksum[:8]}"

    @property
    def name_with_encoder(self) -> str:
        """The same, of answers for which the sentence encoder was asked."""
        return self.name.replace("/", f"+{ENCODER}/", 1)


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn logits into probabilities along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(axis=-1, keepdims=True)
    return shares


def sure(logits: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell of which texts the words are sure: of the cause, and of its being a complaint or none."""
    causes, kinds = (softmax(logits[..., columns]).max(axis=-1) for columns in COLUMNS[:2])
    found: NDArray[np.bool_] = np.minimum(causes, kinds) >= SURE
    return found


def known(keys: Keys, wanted: Keys) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Find hashes in an ascending table: the row of each, and whether it is really there."""
    rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return rows, keys[rows] == wanted


def strengths(grams: Grams, rarity: Floats) -> Floats:
    """Weigh each occurrence of an n-gram: sublinear in its count, times rarity, at most unit length in all."""
    _, which, counts = np.unique(grams.keys, return_inverse=True, return_counts=True)
    each = ((1 + np.log(counts)) / counts)[which] * rarity
    length = np.sqrt(np.sum(np.bincount(which, each) ** 2)) if len(each) else 0.0
    return (each / max(float(length), LITTLE)).astype(np.float32)


def save(model: Model, learnt_from: str, path: Path = FILE) -> str:
    """Write the model and its card (`model.json`); the same model gives the same bytes. Return the checksum."""
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        allow_pickle=False,
        keys=model.keys,
        rarity=model.rarity.astype(np.float16),
        weights=model.weights,
        unknown=np.float32(model.unknown),
        trust=model.trust,
        **{name: getattr(model.meaning, name).astype(np.float16) for name in Head.__slots__},
    )
    path.write_bytes(buffer.getvalue())
    checksum = hashlib.sha256(buffer.getvalue()).hexdigest()
    card = {"name": NAME, "version": VERSION, "sha256": checksum, "learnt_from": learnt_from}
    path.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", "utf-8")
    return checksum


def card(path: Path = FILE) -> dict[str, str]:
    """Read what the model file should be and what it was learnt from."""
    described: dict[str, str] = json.loads(path.with_suffix(".json").read_text("utf-8"))
    return described


def restore(path: Path = FILE) -> Model:
    """
    Read a model file.

    Raises:
        StaleModel: the file's checksum is not its card's.
    """
    content = path.read_bytes()
    checksum = hashlib.sha256(content).hexdigest()
    if checksum != card(path)["sha256"]:
        raise StaleModel(f"{path.name} has checksum {checksum}, its card says {card(path)['sha256']}")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return Model(
            keys=arrays["keys"],
            rarity=arrays["rarity"].astype(np.float32),
            unknown=float(arrays["unknown"]),
            weights=arrays["weights"],
            meaning=Head(*(arrays[name].astype(np.float32) for name in Head.__slots__)),
            trust=arrays["trust"],
            checksum=checksum,
        )
