"""Waking a loop in the same process without ever losing a wake-up."""

import asyncio


class Wake:
    """Set after a commit; the loop clears it *before* it looks, so that nothing committed meanwhile is missed."""

    def __init__(self, poll_seconds: float) -> None:
        self._event = asyncio.Event()
        self._poll_seconds = poll_seconds

    def __call__(self) -> None:
        """Let the loop look now."""
        self._event.set()

    def clear(self) -> None:
        """Forget earlier wake-ups; call it before the query."""
        self._event.clear()

    async def wait(self, at_most: float | None = None) -> None:
        """Wait for a wake-up, or until it is time to look anyway (*at_most* seconds, else the poll interval)."""
        seconds = self._poll_seconds if at_most is None else max(0.0, min(at_most, self._poll_seconds))
        try:
            # Not wait_for: until Python 3.12 it forgets a cancellation that comes together with the event.
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return
