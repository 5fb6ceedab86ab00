"""No request is read past a limit."""

from fastapi import Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.api.problems import answer_http


class BodyLimit:
    """
    Answer 413 to a request whose body is longer than *limit_bytes*.

    A declared length is refused before anything is read; a streamed body when it passes the limit. FastAPI's own
    ``max_body_size`` answers in plain text, so it is not used.
    """

    def __init__(self, app: ASGIApp, limit_bytes: int) -> None:
        self._app = app
        self._limit_bytes = limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if not declared.isdecimal():
            await self._app(scope, self._counted(receive), send)
        elif int(declared) <= self._limit_bytes:
            await self._app(scope, receive, send)  # the server holds the body to its declared length
        else:
            answer = await answer_http(Request(scope), self._too_large())
            await answer(scope, receive, send)

    def _counted(self, receive: Receive) -> Receive:
        left = self._limit_bytes

        async def receive_within_limit() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise self._too_large()
            return message

        return receive_within_limit

    def _too_large(self) -> HTTPException:
        # The rest of the body is still under way, so the connection is of no further use.
        return HTTPException(413, headers={"connection": "close"})
