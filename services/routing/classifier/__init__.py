"""
Classify complaints: what caused it, how the customer speaks, how bad it is, and whether it is one at all.

Pure and small: numpy, a committed model, rules one can read, and a sentence encoder for the doubtful. Knows nothing of
the service around it, so that what is inside can be replaced behind `load` and `Classifier.classify`. The model is
learnt from the committed texts by ``python -m services.routing.classifier train`` and measured by ``… evaluate``.
"""

from .classifier import DEGRADED, Classification, Classifier
from .encoder import Encoder, EncoderMissing
from .explanation import Script, explain
from .grounds import Ground
from .model import restore
from .reading import is_traditional

__all__ = [
    "DEGRADED",
    "Classification",
    "Classifier",
    "EncoderMissing",
    "Ground",
    "Script",
    "explain",
    "is_traditional",
    "load",
]


def load(*, with_encoder: bool = True) -> Classifier:
    """
    Make the committed model ready to judge.

    Args:
        with_encoder: ask the sentence encoder about texts of which the words are not sure; it loads itself for the
            first of them. Without, an answer never takes more than a millisecond or two, and is wrong more often.

    Raises:
        StaleModel: the model file was damaged, or swapped without its card.
    """
    return Classifier(restore(), Encoder() if with_encoder else None)
