"""A server that is told to stop answers what still comes, and says that the connection ends."""

import asyncio

import uvicorn

from plaint.local.ports import free_port
from shared.process import _PatientServer
from shared.testing.deadline import eventually

GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def hello(_scope, _receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"hi"})


async def ask(reader, writer):
    writer.write(GET)
    head = await reader.readuntil(b"\r\n\r\n")
    assert await reader.readexactly(2) == b"hi"
    return head.lower()


async def test_a_connection_that_is_kept_open_is_answered_once_more_and_then_ended():
    port = free_port()
    server = _PatientServer(uvicorn.Config(hello, port=port, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    await eventually(lambda: server.started)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert b"connection: close" not in await ask(reader, writer)

    server.should_exit = True
    await eventually(lambda: not any(listener.is_serving() for listener in server.servers))
    assert b"connection: close" in await ask(reader, writer)
    assert await reader.read() == b""
    writer.close()
    await serving
