"""The routes of resolution."""

from fastapi import APIRouter

from services.resolution.api import conclusion, handling, promises, reading
from services.resolution.ports import Cases
from shared.runtime.door import Door


def routes(door: Door, cases: Cases) -> APIRouter:
    """The routes of resolution."""
    router = APIRouter()
    router.include_router(reading.routes(cases))
    router.include_router(handling.routes(door))
    router.include_router(conclusion.routes(door))
    router.include_router(promises.routes(door))
    return router
