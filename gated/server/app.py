"""The HTTP application."""

from fastapi import FastAPI

import gated
from gated.server import lifecycle, problems, releases
from gated.server.limits import BodyLimit
from gated.server.origin import OwnPagesOnly
from gated.server.pages import routes
from gated.server.services import Services


def create_app(services: Services) -> FastAPI:
    """The application, ready to answer.

    Args:
        services: what requests are answered with.
    """
    app = describe_app(services.external_url)
    app.state.services = services
    return app


def describe_app(external_url: str = "") -> FastAPI:
    """The application without anything to answer with: enough for its OpenAPI description.

    Args:
        external_url: where people reach it; empty when nobody said.
    """
    app = FastAPI(
        title="gated",
        version=gated.__version__,
        summary="A release gate that watches Prometheus and says promote, hold or rollback.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        # A redirect would be made of the Host header, which behind a proxy is neither its scheme nor its path.
        redirect_slashes=False,
    )
    app.add_middleware(BodyLimit)
    app.add_middleware(OwnPagesOnly, external_url=external_url)
    problems.install(app)
    app.include_router(releases.router)
    app.include_router(lifecycle.router)
    app.include_router(routes.router)
    return app
