"""From a result of the door to an HTTP answer."""

from typing import Any

from fastapi import Response

from shared.runtime.batch import Result


def answered(result: Result, response: Response) -> Any:  # noqa: ANN401 - whatever the handler decided, as JSON
    """The body of *result*; a header says when it is the answer that an earlier request with the same key got."""
    if result.replayed:
        response.headers["Idempotency-Replayed"] = "true"
    return result.body
