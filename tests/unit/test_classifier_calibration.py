"""How far answers are trusted follows from how often such answers were right."""

import numpy as np
import pytest

from services.routing.classifier.calibration import trust
from services.routing.classifier.corpus import held_out_texts
from services.routing.classifier.labels import LABELS, answers
from services.routing.classifier.model import COLUMNS, GROUPS, softmax


@pytest.fixture(scope="module")
def told():
    texts = held_out_texts()[:800]
    return [answers(texts, label) for label in LABELS]


def guesses(told, right_in, seed):
    """Logits of 4 for one answer of each label; *right_in* of the texts it is the right one."""
    chance = np.random.default_rng(seed)
    logits = np.zeros((800, sum(GROUPS)))
    for columns, said in zip(COLUMNS, told, strict=True):
        right = chance.random(len(said.which)) < right_in
        other = (said.right + 1) % (columns.stop - columns.start)
        logits[said.which, columns.start + np.where(right, said.right, other)] = 4
    return logits


def surprise(logits, said):
    return -np.log(softmax(logits[said.which, COLUMNS[0]])[np.arange(len(said.which)), said.right]).mean()


def test_logits_that_are_too_sure_are_scaled_down_and_shy_ones_up(told):
    nothing = np.zeros((800, sum(GROUPS)))
    assert trust(guesses(told, 0.6, 1), nothing, told)[0, 0] < 1
    assert trust(guesses(told, 0.999, 1) / 40, nothing, told)[0, 0] > 1


def test_of_two_readings_the_better_one_counts_more_and_both_more_than_one(told):
    poor, good = guesses(told, 0.5, 1), guesses(told, 0.9, 2) / 4
    alone, beside, meaning = trust(poor, good, told)
    both = poor * beside + good * meaning

    assert meaning[0] / 4 > beside[0]
    assert surprise(both, told[0]) < surprise(poor * alone, told[0])
