"""The page: a person types and sees the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from serving.service import Service

_FOLDER = Path(__file__).with_name("static")
_TEXTS = {"page.css": "text/css", "page.js": "text/javascript", "page.html": "text/html"}
_KINDS = {name: f"{kind}; charset=utf-8" for name, kind in _TEXTS.items()} | {"icon.svg": "image/svg+xml"}


def page_router(service: Service[Any]) -> APIRouter:
    """The page and its files, which ask for no token: the page itself asks for it."""
    router = APIRouter(include_in_schema=False)
    contents = {name: (_FOLDER / name).read_bytes() for name in _KINDS}
    del service

    def serve(path: str, name: str) -> None:
        async def file() -> Response:
            return Response(contents[name], media_type=_KINDS[name])

        router.add_api_route(path, file, methods=["GET"], name=path, response_class=Response)

    serve("/", "page.html")
    serve("/page.css", "page.css")
    serve("/page.js", "page.js")
    serve("/icon.svg", "icon.svg")
    serve("/favicon.ico", "icon.svg")  # where a browser looks that shows JSON
    return router
