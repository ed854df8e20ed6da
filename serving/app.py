"""The application: its routes, and who may ask each of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, params
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import ASGIApp

from export.bundle_file import BundleFile
from export.golden import here
from serving.authorisation import Authorised
from serving.classify import CLASSIFY, add_classify
from serving.completions import COMPLETIONS, add_completions
from serving.guard import Guard
from serving.json_route import Front, JsonRoute
from serving.page import page_router
from serving.problems import Problem, ProblemAnswer, answer_problems
from serving.service import ClassifierService, Service, WriterService

_TITLE = "Encore"
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemAnswer} for status in (401, 403, 421, 422)
}


class State(BaseModel):
    """Of the server."""

    ok: bool


class ListedModel(BaseModel):
    """As OpenAI lists one; `created` is 0, since a bundle has no time."""

    id: str
    object: str = "model"
    created: int = 0
    owned_by: str = "encore"


class ModelList(BaseModel):
    object: str = "list"
    data: list[ListedModel]


class ModelAnswer(BaseModel):
    """bundle: what bundle.json says. here: the conditions of this server. proof: what the golden answers showed.
    limits: of a request."""

    bundle: BundleFile
    here: dict[str, str]
    proof: dict[str, Any]
    limits: dict[str, int | float]


def make_app(service: Service[Any], *, token: str | None, hosts: Iterable[str]) -> ASGIApp:
    """token: none asks for none. hosts: names that the server is known by."""
    app = FastAPI(
        title=_TITLE,
        version="1",
        openapi_url=None,  # a route of its own, behind the token
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan(service),
        redirect_slashes=False,
    )
    answer_problems(app, _elsewhere(service))
    authorised = [Depends(Authorised(token))]
    asked = _asked_routes(service, authorised)
    app.router.routes += asked
    app.include_router(open_router(service))
    app.include_router(page_router(service))
    app.include_router(_about_router(service, app), dependencies=authorised)
    return Guard(Front(app, asked), hosts=hosts, metrics=service.metrics, ends=lambda: service.ends)


def _asked_routes(service: Service[Any], authorised: Sequence[params.Depends]) -> list[JsonRoute]:
    """What is asked of the model."""
    router = APIRouter(route_class=JsonRoute, dependencies=authorised)
    if isinstance(service, WriterService):
        add_completions(router, service)
    else:
        assert isinstance(service, ClassifierService)
        add_classify(router, service)
    return [route for route in router.routes if isinstance(route, JsonRoute)]


def _elsewhere(service: Service[Any]) -> dict[str, Problem]:
    """What is said at the address that the server of another kind of model has."""
    writes = isinstance(service, WriterService)
    here, there = (COMPLETIONS, CLASSIFY) if writes else (CLASSIFY, COMPLETIONS)
    does = "a language model, which gives texts no labels" if writes else "a classifier, which writes nothing"
    problem = Problem(
        type="not_found",
        message=f"this server has {does}",
        field=None,
        cure=f"Ask POST {here}, or serve a run of another kind.",
    )
    return {there: problem}


def _lifespan(service: Service[Any]) -> Any:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        service.threads.start()
        yield
        await service.threads.close()

    return lifespan


def open_router(service: Service[Any]) -> APIRouter:
    """What a load balancer asks, without a token."""
    router = APIRouter(tags=["state"])

    @router.get("/livez", response_model=State, responses={503: {"model": State}})
    async def livez() -> Response:
        """Whether the model's threads live."""
        return _state(service.threads.is_alive)

    @router.get("/readyz", response_model=State, responses={503: {"model": State}})
    async def readyz() -> Response:
        """Whether requests should be sent here."""
        return _state(service.is_ready)

    return router


def _state(ok: bool) -> Response:
    return Response(State(ok=ok).model_dump_json(), 200 if ok else 503, media_type="application/json")


def _about_router(service: Service[Any], app: FastAPI) -> APIRouter:
    router = APIRouter(tags=["about"], responses=_PROBLEMS)
    about = service.about

    @router.get("/v1/model")
    async def model() -> ModelAnswer:
        """What is served, under what it was measured, and what the proof showed."""
        proof = asdict(service.proof)
        return ModelAnswer(bundle=about, here=here().model_dump(), proof=proof, limits=service.most())

    @router.get("/v1/models")
    async def models() -> ModelList:
        """The one model, in OpenAI's form."""
        return ModelList(data=[ListedModel(id=service.model_id)])

    @router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
    async def metrics() -> Response:
        """For Prometheus."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @router.get("/openapi.json", include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        """What may be asked."""
        return app.openapi()

    return router
