"""What routing's classifier reads before an event comes to the door: what it has time for, and nothing is lost."""

from dataclasses import replace

import pytest

from services.routing.classifier import load
from services.routing.domain.classification import Cause
from services.routing.worker import facts_of, reading_ahead
from shared.contracts.intake import ComplaintReceived, ComplaintWithdrawn
from shared.runtime.clock import Clock
from shared.runtime.ids import new_id
from shared.testing.events import Speakers, sample

TEXT = "冰箱才买三天压缩机就坏了，不制冷，质量太差，要求换货"


@pytest.fixture(scope="module")
def classifier():
    return load()


def told(count):
    others = Speakers(Clock())
    return [others.say(sample(ComplaintReceived, complaint_id=new_id(), text=TEXT)) for _ in range(count)]


async def test_every_new_complaint_comes_with_what_was_read_of_it(classifier):
    events = told(3)
    read = await reading_ahead(classifier, 10)(events)
    assert [event.finding for event in read] == [facts_of(classifier.classify(TEXT))] * 3
    assert [replace(event, finding=None) for event in read] == events
    assert read[0].finding.cause is Cause.QUALITY


async def test_when_the_time_is_up_the_rest_goes_on_unread(classifier):
    events = told(3)
    assert await reading_ahead(classifier, 0)(events) == events


async def test_a_long_text_goes_on_unread(classifier):
    long = Speakers(Clock()).say(sample(ComplaintReceived, complaint_id=new_id(), text="等" * 2_001))
    assert await reading_ahead(classifier, 10)([long]) == [long]


async def test_other_events_and_unreadable_ones_go_on_as_they_are(classifier):
    (broken,) = told(1)
    broken = replace(broken, body=b"{}")
    withdrawn = Speakers(Clock()).say(sample(ComplaintWithdrawn, complaint_id=new_id()))
    assert await reading_ahead(classifier, 10)([broken, withdrawn]) == [broken, withdrawn]
    assert await reading_ahead(classifier, 10)([withdrawn]) == [withdrawn]
