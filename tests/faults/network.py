"""Wires between the services and what they stand on, which can be slow, cut, or forget what they carried."""

import asyncio
from contextlib import suppress

from plaint.local.kafka import Kafka
from plaint.local.ports import free_port
from shared.testing.cable import Cable

CHUNK_BYTES = 65_536


class Line(Cable):
    """
    A cable whose answers may come late, and whose connections may die without a word.

    ``delay`` is how many seconds later each answer comes: what it adds to a round trip.
    """

    def __init__(self, server_port):
        super().__init__(server_port)
        self.delay = 0.0
        self._forgotten = set()

    def heal(self):
        """Carry new connections; those of before stay open and mute, since what was lost on them is lost."""
        self._forgotten |= self._open
        self.silent = False

    async def _pass_on(self, reader, writer, *, watched):
        with suppress(OSError):
            while said := await reader.read(CHUNK_BYTES):
                if watched and self.delay:
                    await asyncio.sleep(self.delay)
                if not self.silent and writer not in self._forgotten:
                    writer.write(said)
                    await writer.drain()
        writer.transport.abort()


class DistantKafka(Kafka):
    """A broker that has a second listener, and tells those who come by it to stay on the line that leads there."""

    def __init__(self, data):
        super().__init__(data)
        self.line = Line(free_port())

    def _prepare(self, program, tell):
        super()._prepare(program, tell)
        near, far = f"PLAINTEXT://127.0.0.1:{self.port}", "DISTANT://127.0.0.1:"
        settings = self._settings.read_text()
        settings = settings.replace(f"listeners={near},", f"listeners={near},{far}{self.line._server_port},")
        settings = settings.replace(
            f"advertised.listeners={near}\n", f"advertised.listeners={near},{far}{self.line.port}\n"
        )
        self._settings.write_text(settings.replace("map=", "map=DISTANT:PLAINTEXT,"))
