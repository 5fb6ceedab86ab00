"""What wraps every request: its id, its trace, its log context, its numbers, and the answer when all else fails."""

import re
import secrets
from functools import lru_cache
from time import perf_counter

import structlog
from fastapi import Request
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.api.problems import answer_unexpected
from shared.telemetry.metrics import HTTP_REQUEST_SECONDS, HTTP_REQUESTS
from shared.telemetry.tracing import Span, start_span

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
# A label must not grow with what callers invent.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Observation:
    """
    Give each request an id and a trace, count and time it by route, and answer what nothing else answered.

    ``request.state`` then has ``request_id`` (the caller's ``X-Request-Id`` if it is harmless, else a new one; sent
    back in the same header), ``traceparent`` (what this request causes) and ``trace_id``.
    """

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Watch over one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(_header(scope, b"x-request-id"))
        with (
            start_span("HTTP", _header(scope, b"traceparent")) as span,
            structlog.contextvars.bound_contextvars(request_id=request_id, trace_id=span.trace_id),
        ):
            scope.setdefault("state", {}).update(
                request_id=request_id, traceparent=span.traceparent, trace_id=span.trace_id
            )
            await self._watched(scope, receive, send, span)

    async def _watched(self, scope: Scope, receive: Receive, send: Send, span: Span) -> None:
        status = 0
        request_id = scope["state"]["request_id"].encode("ascii")

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
            await send(message)

        began = perf_counter()
        try:
            await self._app(scope, receive, send_with_id)
        except Exception as error:
            answer = answer_unexpected(Request(scope), error)
            if status:
                raise  # half an answer is out; only breaking the connection tells the caller
            await answer(scope, receive, send_with_id)
        finally:
            self._count(scope, status, perf_counter() - began, span)

    def _count(self, scope: Scope, status: int, seconds: float, span: Span) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        route = _route(scope)
        requests, durations = _meters(self._service, method, route, status)
        requests.inc()
        durations.observe(seconds)
        span.describe(
            f"{method} {route}",
            {"http.request.method": method, "http.route": route, "http.response.status_code": status},
        )


@lru_cache(maxsize=1024)
def _meters(service: str, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    # Looking two sets of labels up costs more than counting.
    return HTTP_REQUESTS.labels(service, method, route, status), HTTP_REQUEST_SECONDS.labels(service, method, route)


def _header(scope: Scope, name: bytes) -> str | None:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


def _request_id(given: str | None) -> str:
    return given if given and _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def _route(scope: Scope) -> str:
    # For an included router the route itself does not know its prefix; FastAPI leaves the whole template here.
    whole = scope.get("fastapi", {}).get("effective_route_context")
    path = getattr(whole or scope.get("route"), "path", None)
    return path if isinstance(path, str) else "unmatched"
