"""
Classify complaints: what caused it, how the customer speaks, how bad it is, and whether it is one at all.

Pure and small: numpy, a committed model, rules one can read. Knows nothing of the service around it, so that what
is inside can be replaced behind `load` and `Classifier.classify`. The model is learnt from the committed texts by
``python -m services.routing.classifier train`` and measured by ``… evaluate``.
"""

from .classifier import Classification, Classifier
from .explanation import Script, explain
from .grounds import Ground
from .model import restore
from .reading import is_traditional

__all__ = ["Classification", "Classifier", "Ground", "Script", "explain", "is_traditional", "load"]


def load() -> Classifier:
    """
    Make the committed model ready to judge.

    Raises:
        StaleModel: the model file was damaged, or swapped without its card.
    """
    return Classifier(restore())
