"""What the door has not dealt with holds back the offset of its partition, and of no other."""

import asyncio
from types import SimpleNamespace

from aiokafka import TopicPartition

from shared.runtime.batch import Result
from shared.runtime.underway import Handed, Underway

DONE = Result("done")


def record(partition, offset):
    return SimpleNamespace(topic="t", partition=partition, offset=offset)


def handing(underway, *records):
    handed = [Handed(each, None, asyncio.get_running_loop().create_future()) for each in records]
    for each in records:
        underway.read(each)
    underway.hand(handed)
    return [each.result for each in handed]


async def test_offsets_end_before_the_first_record_that_is_still_underway():
    underway = Underway()
    first, held, third, elsewhere = handing(underway, record(0, 5), record(0, 6), record(0, 7), record(1, 3))
    for each in (first, third, elsewhere):
        each.set_result(DONE)

    assert [each.record.offset for each in underway.finished()] == [5, 7, 3]
    assert underway.places() == {TopicPartition("t", 0): 6, TopicPartition("t", 1): 4}

    held.set_result(DONE)
    underway.finished()
    assert underway.places() == {TopicPartition("t", 0): 8}


async def test_a_place_is_told_once():
    underway = Underway()
    underway.read(record(0, 5))

    assert underway.places() == {TopicPartition("t", 0): 6}
    assert underway.places() == {}


async def test_giving_up_takes_it_out_of_the_doors_queue():
    underway = Underway()
    (result,) = handing(underway, record(0, 5))

    underway.give_up()

    assert result.cancelled()
    assert len(underway) == 1
