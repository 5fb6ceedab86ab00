"""The wire between a client and a server, which a test may cut."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Final, Self

_CHUNK_BYTES: Final = 65_536


class Cable:
    """
    Passes on what a client and a loopback server say to each other, until it is cut.

    Clients connect to ``port``; used as an asynchronous context manager.
    """

    def __init__(self, server_port: int) -> None:
        self.port = 0
        self.connected = True
        """Whether new connections reach the server; otherwise they are closed at once."""
        self.silent = False
        """Whether what is said is swallowed instead, with nobody told."""
        self.cut_before: Callable[[bytes], bool] | None = None
        """Cut when the server says something for which this holds, once and before the client hears it."""
        self._server_port = server_port
        self._open: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut, and listen no more."""
        self._server.close()
        self.cut()
        await asyncio.gather(*self._passing, return_exceptions=True)
        await self._server.wait_closed()

    def cut(self) -> None:
        """End every connection now, as a dying network would; new ones may come if ``connected``."""
        for writer in self._open:
            writer.transport.abort()

    async def _connect(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self._open.add(client)
        if not self.connected:
            client.transport.abort()
            return
        server_reader, server = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._open.add(server)
        for reader, writer, watched in ((client_reader, server, False), (server_reader, client, True)):
            task = asyncio.create_task(self._pass_on(reader, writer, watched=watched))
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, watched: bool) -> None:
        with suppress(OSError):
            while said := await reader.read(_CHUNK_BYTES):
                if watched and self.cut_before is not None and self.cut_before(said):
                    self.cut_before = None
                    self.cut()
                if not self.silent:
                    writer.write(said)
                    await writer.drain()
        writer.transport.abort()
