"""Is the process alive, can it work, and what are its numbers: for orchestrators and people, without a key."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from time import perf_counter

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from shared.api.problems import problem_in_openapi, problem_response, problem_type
from shared.refusal import Busy

log = structlog.get_logger(__name__)

Check = Callable[[], Awaitable[object]]
"""Returns when all is well and raises when not."""

# An orchestrator asks every few seconds and gives up after one or two.
_TIMEOUT_SECONDS = 1.0

_VERBOSE = {
    "name": "verbose",
    "in": "query",
    "required": False,
    "allowEmptyValue": True,
    "schema": {"type": "string"},
    "description": "List every check. 列出所有检查。",
}


class NotReady(Busy):
    """This service is not ready."""

    zh = "服务尚未就绪。"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found: the type of what it raised, or nothing."""

    name: str
    ok: bool
    milliseconds: float
    error: str | None = None


async def find_out(name: str, check: Check) -> Finding:
    """Make one check; what it raises, or its silence for a second, makes it fail."""
    began = perf_counter()
    error: str | None = None
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            await check()
    except Exception as raised:
        error = type(raised).__name__
        log.warning("check failed", check=name, exc_info=raised)
    return Finding(name, error is None, round((perf_counter() - began) * 1000, 1), error)


def health_routes(checks: Mapping[str, Check]) -> APIRouter:
    """Make the routes ``/livez``, ``/readyz`` and ``/metrics``; *checks* decide readiness, all at the same time."""
    router = APIRouter(tags=["health"])

    @router.get("/livez", summary="Is the process alive? 进程是否存活？")
    async def livez() -> dict[str, str]:
        """Answer as long as the process can answer at all; nothing else is asked."""
        return {"status": "alive"}

    @router.get(
        "/readyz",
        summary="Can it work? 能否提供服务？",
        responses={503: problem_in_openapi("`not-ready`: see `failing`.")},
        openapi_extra={"parameters": [_VERBOSE]},
    )
    async def readyz(request: Request) -> Response:
        """Make all checks; `?verbose` lists them."""
        findings = await asyncio.gather(*(find_out(name, check) for name, check in checks.items()))
        listed = {"checks": [asdict(each) for each in findings]} if "verbose" in request.query_params else {}
        if failing := [each.name for each in findings if not each.ok]:
            values = {"failing": failing, **listed}
            return problem_response(request, problem_type(NotReady), values=values, headers={"retry-after": "1"})
        return JSONResponse({"status": "ready", **listed})

    @router.get(
        "/metrics",
        summary="Numbers for Prometheus 供 Prometheus 采集的指标",
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        response_class=Response,
    )
    async def metrics(request: Request) -> Response:
        """Show all metrics of this process in the format the scraper prefers."""
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(REGISTRY), headers={"content-type": content_type})

    return router
