"""The daemon's own state, as Prometheus and Alertmanager show theirs."""

from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict

from gated.model.errors import InvalidInput
from gated.server.problems import responses
from gated.server.services import Readiness, Services

router = APIRouter(tags=["lifecycle"])


class Healthy(BaseModel):
    """The process answers."""

    model_config = ConfigDict(frozen=True)

    healthy: bool = True


class Reloaded(BaseModel):
    """The rule files were loaded again."""

    model_config = ConfigDict(frozen=True)

    reloaded: bool = True


@router.get("/-/healthy")
async def healthy() -> Healthy:
    """Liveness: the process answers. Depends on nothing else, so that a dead Prometheus restarts nobody."""
    return Healthy()


@router.get("/-/ready", responses={503: {"model": Readiness, "description": "not to be relied upon now"}})
def ready(request: Request, response: Response) -> Readiness:
    """Readiness: the store takes writes, rules are loaded, and the last tick is not long ago."""
    services: Services = request.app.state.services
    readiness = services.readiness()
    response.status_code = 200 if readiness.ready else 503
    return readiness


@router.post("/-/reload", responses=responses(404, 422))
def reload(request: Request) -> Reloaded:
    """Load the rule files again; on any fault the last good ones stay.

    404: not enabled (`reload_endpoint: true`; SIGHUP always works). 422: the files have faults, all are named.
    """
    services: Services = request.app.state.services
    if services.reload is None:
        raise HTTPException(404, "reloading over HTTP is not enabled; set `reload_endpoint: true`, or send SIGHUP")
    faults = services.reload()
    if faults:
        raise InvalidInput(*faults)
    return Reloaded()


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """Everything gated measures, for Prometheus."""
    services: Services = request.app.state.services
    body, content_type = services.metrics()
    return Response(body, headers={"Content-Type": content_type})
