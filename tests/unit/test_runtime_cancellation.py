"""A library that lets the cancellation of its own tasks out ends no loop of ours; our own cancellation does."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from shared.runtime.broker import Broker, started
from shared.runtime.consumer import Consumer
from shared.runtime.leader import lead
from shared.runtime.wake import Wake
from shared.testing.deadline import eventually
from shared.testing.doors import TwinDoor


class Client:
    """A client of a library, that stops as it is told."""

    def __init__(self, stop):
        self._stop = stop

    async def start(self):
        pass

    async def stop(self):
        await self._stop()


async def let_out():
    raise asyncio.CancelledError


async def fail():
    raise OSError("invented")


async def hang():
    await asyncio.Event().wait()


@pytest.mark.parametrize("stop", [let_out, fail, hang])
async def test_how_a_client_stops_is_of_no_interest(stop, monkeypatch):
    monkeypatch.setattr("shared.runtime.broker.REQUEST_SECONDS", 0.05)

    with pytest.raises(ValueError, match="what matters"):
        async with started(Client(stop), 1):
            raise ValueError("what matters")
    async with started(Client(stop), 1):
        pass


async def test_our_own_cancellation_goes_through():
    inside = asyncio.Event()

    async def use():
        async with started(Client(let_out), 1):
            inside.set()
            await hang()

    task = asyncio.create_task(use())
    await inside.wait()
    task.cancel()
    await asyncio.wait([task], timeout=1)
    assert task.cancelled()


async def test_the_consumer_joins_again_after_a_cancellation_that_was_not_ours():
    calls = []

    class LeakyBroker(Broker):
        async def ensure_topics(self, **_):
            calls.append(1)
            raise asyncio.CancelledError

    async with TwinDoor("routing", (), {}) as door:
        task = asyncio.create_task(Consumer("routing", ["intake"], door.door, LeakyBroker("127.0.0.1:1")).run())
        await eventually(lambda: len(calls) >= 2)
        task.cancel()
        await asyncio.wait([task], timeout=1)

    assert task.cancelled()


@pytest.mark.parametrize("turns", range(4))
async def test_a_wake_up_that_comes_with_the_cancellation_does_not_hide_it(turns):
    wake = Wake(poll_seconds=30)

    async def work():
        while True:
            wake.clear()
            await wake.wait()

    working = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    working.cancel()

    done, _ = await asyncio.wait([working], timeout=1)
    assert done


async def test_trouble_that_a_library_makes_of_a_cancellation_ends_the_loop():
    class Database:
        @asynccontextmanager
        async def session(self, **_):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise OSError("invented") from None
            yield

    standing = asyncio.create_task(lead(Database(), "routing.test", hang))
    await asyncio.sleep(0.01)
    standing.cancel()

    done, _ = await asyncio.wait([standing], timeout=1)
    assert done
    assert isinstance(standing.exception(), OSError)
