"""Speak to the four services over HTTP, as any client does."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from plaint.language import Language
from plaint.running import Installation
from plaint.trouble import UNREACHABLE, Trouble

_SECONDS = 15.0
_PAGE = 200


class Client(AbstractContextManager["Client"]):
    """One operator's conversation with one installation; answers are decoded JSON."""

    def __init__(self, installation: Installation, language: Language) -> None:
        self.installation = installation
        headers: dict[str, str] = {"Accept-Language": language}
        if installation.key:
            headers["Authorization"] = f"Bearer {installation.key}"
        # A proxy would not find this machine's loopback address.
        local = all(urlsplit(url).hostname in {"127.0.0.1", "localhost"} for url in installation.urls.values())
        self._http = httpx.Client(headers=headers, timeout=_SECONDS, trust_env=not local)

    @property
    def services(self) -> tuple[str, ...]:
        """The services whose address is known."""
        return tuple(self.installation.urls)

    def get(self, service: str, path: str, **query: object) -> Any:  # noqa: ANN401 - any JSON
        """
        Read *path* of *service*.

        Raises:
            Trouble: as for ``request``.
        """
        return self.request("GET", service, path, params=query)

    def request(self, method: str, service: str, path: str, **arguments: Any) -> Any:  # noqa: ANN401 - httpx's own
        """
        Make one request; the arguments are those of httpx.

        Raises:
            Trouble: the service's address is not known, nobody answers there (``service.unreachable``), or it refused
                (``service.refused``, with the service's own words).
        """
        return accepted(service, self.ask(method, service, path, **arguments))

    def ask(self, method: str, service: str, path: str, **arguments: Any) -> httpx.Response:  # noqa: ANN401 - as above
        """
        Make one request and return the answer, whatever it says.

        Raises:
            Trouble: the service's address is not known, or nobody answers there.
        """
        url = self.installation.urls.get(service)
        if url is None:
            raise Trouble(
                "service.unknown", code=UNREACHABLE, service=service, variable=f"PLAINT_{service.upper()}_URL"
            )
        try:
            return self._http.request(method, url + path, **arguments)
        except httpx.TransportError as error:
            raise Trouble("service.unreachable", code=UNREACHABLE, service=service, url=url) from error

    def pages(self, service: str, path: str) -> Iterator[Mapping[str, Any]]:
        """
        Read a whole list, page by page.

        Raises:
            Trouble: as for ``request``.
        """
        query: dict[str, object] = {"limit": _PAGE}
        while True:
            page = self.get(service, path, **query)
            yield from page["items"]
            if page.get("next") is None:
                return
            query["cursor"] = page["next"]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        """Open nothing: connections are made when they are needed."""
        return self


def accepted(service: str, answer: httpx.Response) -> Any:  # noqa: ANN401 - any JSON
    """
    Return what *service* answered.

    Raises:
        Trouble: ``service.refused``, with the service's own words.
    """
    if answer.is_success:
        return answer.json() if answer.content else None
    raise _refusal(service, answer)


def _refusal(service: str, answer: httpx.Response) -> Trouble:
    problem = _problem(answer)
    title = problem.get("title") or answer.reason_phrase
    details = [str(problem["detail"])] if problem.get("detail") else []
    details += [f"{error.get('pointer')}: {error.get('detail')}" for error in problem.get("errors") or ()]
    return Trouble(
        "service.refused",
        detail="\n".join(details),
        status=answer.status_code,
        service=service,
        number=answer.status_code,
        title=title,
    )


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        problem = answer.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}
