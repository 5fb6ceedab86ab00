"""A page that lists what a service can do, for people; it needs no script and nothing from elsewhere."""

from collections.abc import Iterator
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_PAGE = """<!doctype html>
<html lang="zh"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font-family:sans-serif;margin:2em}} td{{padding:.3em 1em;border-top:1px solid #ccc}}</style></head>
<body><h1>{title}</h1><p><a href="openapi.json">OpenAPI</a> · <a href="problems">错误类型 Problems</a></p>
<table>{rows}</table></body></html>
"""
_ROW = (
    "<tr><td><code>{method} {path}</code></td><td>{summary}<br><small>{description}</small></td><td>{scopes}</td></tr>"
)


@router.get("/docs")
async def show_docs(request: Request) -> HTMLResponse:
    """Show every operation with the scopes that it needs."""
    document = request.app.openapi()
    return HTMLResponse(_PAGE.format(title=escape(document["info"]["title"]), rows="\n".join(_rows(document))))


def _rows(document: dict[str, Any]) -> Iterator[str]:
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            scopes = (scope for way in operation.get("security", ()) for scope in way.get("ApiKey", ()))
            yield _ROW.format(
                method=method.upper(),
                path=escape(path),
                summary=escape(operation.get("summary", "")),
                description=escape(operation.get("description", "")),
                scopes=escape(" · ".join(scopes)),
            )
