"""The poll contract: releases, their stages, verdicts and claims, under /api/v1."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from gated.model.errors import Conflict, InvalidInput
from gated.model.ids import Actor, PlanName, ReleaseId, StageName, VerdictId
from gated.model.units import parse_duration
from gated.operations import releases, report, views
from gated.operations.documents import ReleaseDocument, ReleaseHistory, ReleasePage, RulebookDocument, VerdictDocument
from gated.operations.drawing import Drawing
from gated.server.problems import Refused, responses
from gated.server.services import Services

LONGEST_WAIT_SECONDS = 60.0
"""Proxies in between give up after a minute or so; a client simply asks again."""

router = APIRouter(prefix="/api/v1", tags=["releases"])


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


def _actor(
    x_gated_actor: Annotated[
        str,
        Header(description="who asks: a person or a pipeline; recorded with what is done", pattern=r"^[ -~]{1,128}$"),
    ] = "anonymous",
) -> Actor:
    return Actor(x_gated_actor.strip() or "anonymous")


_ID = r"^[A-Za-z0-9][A-Za-z0-9-]{0,300}$"
Serving = Annotated[Services, Depends(_services)]
Who = Annotated[Actor, Depends(_actor)]
Identity = Annotated[str, Path(description="the release's id", pattern=_ID)]
NoStore = {"Cache-Control": "no-store"}


Name = Annotated[str, Field(json_schema_extra={"pattern": f"^{releases.NAME}$"})]
"""The pattern is for the description; the operation checks it, for all names at once and in better words."""


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class OpenRelease(_Body):
    """A rollout to be watched."""

    service: Name
    environment: Name
    version: Name
    baseline: Annotated[str, Field(json_schema_extra={"pattern": f"^({releases.NAME})?$"})] = ""
    """The version it replaces; empty when there is none."""
    plan: Annotated[str, Field(examples=["standard"])]
    """A plan of the rule files."""
    supersede: bool = False
    """End another version's active release instead of answering 409."""


class ClaimPromote(_Body):
    """A promote to be taken."""

    verdict_id: str


class Because(_Body):
    """Why a person does something."""

    reason: str = ""


@router.post(
    "/releases",
    status_code=201,
    response_description="it is new",
    responses={
        200: {"model": ReleaseDocument, "description": "the same release is active already"},
        **responses(404, 409, 422),
    },
)
def open_release(body: OpenRelease, serving: Serving, actor: Who, response: Response) -> ReleaseDocument:
    """Register a rollout.

    201: it is new. 200: the same release is active already. 404: no such plan. 409: another release of the service is
    active in that environment. 422: a name cannot be used.
    """
    order = releases.Order(
        service=body.service,
        environment=body.environment,
        version=body.version,
        baseline=body.baseline,
        plan=PlanName(body.plan),
        supersede=body.supersede,
    )
    now = serving.now()
    found, is_new = releases.open_release(serving.gate, serving.rulebook(), order, actor, now)
    response.status_code = 201 if is_new else 200
    response.headers["Location"] = f"/api/v1/releases/{found.id}"
    return views.release_document(serving.gate, found, now)


@router.get("/releases", responses=responses(422))
def list_releases(
    serving: Serving,
    service: str | None = None,
    environment: str | None = None,
    version: str | None = None,
    active: bool | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: str = "",
) -> ReleasePage:
    """List releases, newest first. `next` of one page is the `cursor` of the following."""
    return views.find(
        serving.gate,
        serving.now(),
        service=service,
        environment=environment,
        version=version,
        active=active,
        limit=limit,
        cursor=cursor,
    )


@router.get("/releases/{release}", responses=responses(404, 422))
def show_release(release: Identity, serving: Serving) -> ReleaseHistory:
    """Show one release with everything that happened to it. 404: no such release."""
    return views.release(serving.gate, ReleaseId(release), serving.now())


@router.get("/releases/{release}/trace", responses=responses(404, 422))
def show_trace(release: Identity, serving: Serving) -> Drawing | None:
    """Show what every rule judged over time, as the status page draws it; null before the first look.

    At most 240 points; of quiet times the fewer the longer ago they are. 404: no such release.
    """
    return views.drawing(serving.gate, ReleaseId(release))


@router.get("/releases/{release}/report", responses=responses(404, 422))
@router.get("/releases/{release}/report.json", responses=responses(404, 422))
def show_report(release: Identity, serving: Serving) -> ReleaseHistory:
    """Report what happened to a release, whole; the same as the release itself. 404: no such release."""
    return views.release(serving.gate, ReleaseId(release), serving.now())


@router.get(
    "/releases/{release}/report.md",
    responses={200: {"content": {"text/markdown": {}}}, **responses(404, 422)},
    response_class=Response,
)
def show_report_as_markdown(release: Identity, serving: Serving) -> Response:
    """Report what happened to a release as Markdown, for a ticket or a chat. 404: no such release."""
    told = views.release(serving.gate, ReleaseId(release), serving.now())
    return Response(report.markdown(told), media_type="text/markdown; charset=utf-8", headers=NoStore)


@router.post("/releases/{release}/stages/{stage}/start", responses=responses(404, 409, 422))
def start_stage(release: Identity, stage: str, serving: Serving, actor: Who) -> ReleaseDocument:
    """Say that traffic is at this stage now; saying it twice is once.

    404: no such release or stage. 409: not the stage due next, paused, or the release cannot go forward.
    """
    now = serving.now()
    found = releases.start_stage(serving.gate, ReleaseId(release), StageName(stage), actor, now)
    return views.release_document(serving.gate, found, now)


@router.get(
    "/releases/{release}/verdict",
    responses={304: {"description": "unchanged since `If-None-Match`"}, **responses(404, 422)},
    response_model=VerdictDocument,
)
async def show_verdict(
    *,
    request: Request,
    release: Identity,
    serving: Serving,
    stage: Annotated[str, Query(description="a stage of the plan; the one started last when empty")] = "",
    wait: Annotated[str, Query(description="long poll: at most so long, `60s` at most, with `after`")] = "0",
    after: Annotated[str, Query(description="wait until the verdict is not this one any more")] = "",
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Poll the verdict of a stage.

    With `wait` and `after`, answers as soon as the verdict's id differs from `after`, or when the wait is over. 304: as
    `If-None-Match` says. 404: no such release or stage. 422: `wait` is not a duration.
    """
    seconds = _wait_seconds(wait) if after else 0.0
    identity, name = ReleaseId(release), StageName(stage) if stage else None
    elapsed = asyncio.get_running_loop().time
    ends_at = elapsed() + seconds
    while True:
        present = await run_in_threadpool(views.verdict, serving.gate, identity, name, serving.now())
        left = ends_at - elapsed()
        if present.document.verdict_id != after or present.document.final or left <= 0 or serving.bell.is_closed:
            break
        if await request.is_disconnected():
            break
        await serving.bell.wait(identity, left)
    document = present.document
    etag = f'"{present.revision}-{document.verdict_id}-{document.verdict.value}"'
    headers = {**NoStore, "ETag": etag}
    if if_none_match == etag:
        return Response(status_code=304, headers=headers)
    # Written by the document itself: FastAPI would validate it anew, which costs as much as all the rest of a poll.
    return Response(document.model_dump_json(), media_type="application/json", headers=headers)


@router.post("/releases/{release}/claim", responses=responses(404, 409, 422))
def claim(release: Identity, body: ClaimPromote, serving: Serving, actor: Who) -> VerdictDocument:
    """Take a promote. Whoever took it may ask again and hears the same.

    409: the verdict is not, or not any more, a promote this actor can claim; the answer carries the present one.
    """
    identity, now = ReleaseId(release), serving.now()
    try:
        found, stage = releases.claim(serving.gate, identity, VerdictId(body.verdict_id), actor, now)
    except Conflict as refused:
        present = views.verdict(serving.gate, identity, None, now)
        raise Refused(refused, present.document) from refused
    return views.verdict_document(serving.gate, found, serving.gate.policy_of(found), stage.name, now)


@router.post("/releases/{release}/rolled-back", responses=responses(404, 409, 422))
def report_rolled_back(release: Identity, serving: Serving, actor: Who, body: Because | None = None) -> ReleaseDocument:
    """Report that the old version is back; from here the recovery is watched. 409: the release has ended otherwise."""
    now = serving.now()
    found = releases.report_rolled_back(serving.gate, ReleaseId(release), actor, _reason(body), now)
    return views.release_document(serving.gate, found, now)


@router.post("/releases/{release}/pause", responses=responses(404, 409, 422))
def pause(release: Identity, serving: Serving, actor: Who, body: Because | None = None) -> ReleaseDocument:
    """Promote nothing until resumed; a breach still rolls back. 409: the release cannot go forward anyway."""
    now = serving.now()
    found = releases.pause(serving.gate, ReleaseId(release), actor, _reason(body), now)
    return views.release_document(serving.gate, found, now)


@router.post("/releases/{release}/resume", responses=responses(404, 409, 422))
def resume(release: Identity, serving: Serving, actor: Who, body: Because | None = None) -> ReleaseDocument:
    """Take back a pause. 409: the release cannot go forward anyway."""
    now = serving.now()
    found = releases.resume(serving.gate, ReleaseId(release), actor, _reason(body), now)
    return views.release_document(serving.gate, found, now)


@router.post("/releases/{release}/abort", responses=responses(404, 409, 422))
def abort(release: Identity, serving: Serving, actor: Who, body: Because | None = None) -> ReleaseDocument:
    """End a release without a verdict. 409: it is going back already, or has ended."""
    now = serving.now()
    found = releases.abort(serving.gate, ReleaseId(release), actor, _reason(body), now)
    return views.release_document(serving.gate, found, now)


@router.get("/rules", tags=["rules"], responses=responses())
def show_rules(serving: Serving) -> RulebookDocument:
    """Show the rules and plans as loaded now; running releases keep those they were opened with."""
    return views.rulebook(serving.rulebook())


def _reason(body: Because | None) -> str:
    return body.reason if body is not None else ""


def _wait_seconds(text: str) -> float:
    try:
        return min(parse_duration(text), LONGEST_WAIT_SECONDS)
    except ValueError as error:
        raise InvalidInput(f"query.wait: {error}") from error
