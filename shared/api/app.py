"""The FastAPI application of a service, before the service adds what only it does."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.middleware import Middleware

from shared.api import docs_page, problem_pages
from shared.api.body_limit import BodyLimit
from shared.api.health import Check, health_routes
from shared.api.keys import Keys
from shared.api.observation import Observation
from shared.api.openapi import document_problems
from shared.api.problems import HANDLERS
from shared.refusal import Language

_DESCRIPTION = """
Problems come as `application/problem+json` (RFC 9457), in Chinese or English by `Accept-Language`; their `type` is an
address of this service. Every answer carries `X-Request-Id`; `traceparent` is passed on into the events.

错误以 `application/problem+json`（RFC 9457）返回，语言由 `Accept-Language` 决定，其 `type` 为本服务的地址。
每个响应都带有 `X-Request-Id`；`traceparent` 会传递到事件中。
"""

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
"""What runs as long as the service serves."""


class _Service(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """Describe the service, with problems where FastAPI describes errors of its own."""
        return document_problems(super().openapi())


def create_app(
    service: str,
    title: Mapping[Language, str],
    routers: Iterable[APIRouter],
    *,
    keys: Keys,
    checks: Mapping[str, Check],
    lifespan: Lifespan | None = None,
    body_limit_bytes: int = 1_048_576,
) -> FastAPI:
    """
    Make the application of one service.

    Args:
        service: its name in metrics.
        title: its name for people, by language.
        routers: its routes; the name of a function becomes the ``operationId``, so names are unique in a service.
        keys: who may call.
        checks: what must be well for the service to be ready, by name.
        lifespan: what runs as long as it serves.
        body_limit_bytes: longer bodies are answered with 413.
    """
    app = _Service(
        title=f"{title['zh']} {title['en']}",
        description=_DESCRIPTION,
        version=version("plaint"),
        lifespan=lifespan,
        exception_handlers=HANDLERS,
        generate_unique_id_function=_function_name,
        middleware=[
            Middleware(Observation, service=service),
            Middleware(BodyLimit, limit_bytes=body_limit_bytes),
        ],
        redirect_slashes=False,
        # FastAPI's own page loads its scripts from elsewhere; many organisations' networks do not reach it.
        docs_url=None,
        redoc_url=None,
        # Its own spans and logs hold query strings and the words of exceptions.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.keys = keys
    for router in (*routers, health_routes(checks), problem_pages.router, docs_page.router):
        app.include_router(router)
    return app


def _function_name(route: APIRoute) -> str:
    return route.name
