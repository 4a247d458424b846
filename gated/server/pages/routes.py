"""Where the pages are, and what people do there."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from gated.model.errors import GatedError, NotFound
from gated.model.ids import Actor, ReleaseId
from gated.operations import releases, views
from gated.operations.report import headline
from gated.server.pages import board, story
from gated.server.pages.board import Board, Wanted
from gated.server.pages.rendering import HEADERS, render, static
from gated.server.problems import status_of
from gated.server.services import Services

_ID = r"^[A-Za-z0-9][A-Za-z0-9-]{0,300}$"
_STREAM = {**HEADERS, "X-Accel-Buffering": "no"}
"""nginx would otherwise keep events back until it has some kilobytes of them."""
_LONGEST_NAME, _LONGEST_REASON = 128, 1000
_DEEDS = {"pause": releases.pause, "resume": releases.resume, "abort": releases.abort}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a person typed into one of the forms; nothing yet by default."""

    deed: str = ""
    name: str = ""
    reason: str = ""

    def faults(self) -> Iterator[str]:
        """Everything that is missing or cannot be used."""
        if not self.name:
            yield "Your name is missing: it is recorded with what you do."
        elif len(self.name) > _LONGEST_NAME or not (self.name.isascii() and self.name.isprintable()):
            yield f"The name must be plain ASCII of at most {_LONGEST_NAME} letters."
        if not self.reason:
            yield "The reason is missing: others will want to know it."
        elif len(self.reason) > _LONGEST_REASON:
            yield f"The reason is longer than {_LONGEST_REASON} letters."


_NOTHING_YET = Attempt()
router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


def _services(request: Request) -> Services:
    services: Services = request.app.state.services
    return services


Serving = Annotated[Services, Depends(_services)]
Identity = Annotated[str, Path(pattern=_ID)]


def _who(request: Request) -> str:
    """Who a proxy in front says it is, as in the API; a name that cannot be recorded is none."""
    name = request.headers.get("x-gated-actor", "").strip()
    return name if name.isascii() and name.isprintable() and len(name) <= _LONGEST_NAME else ""


Who = Annotated[str, Depends(_who)]


@router.get("/")
def show_board(request: Request, serving: Serving) -> Response:
    """All releases."""
    return _answer(".", lambda: _board_page(serving, _wanted(request)))


@router.get("/events")
async def watch_board(request: Request, serving: Serving) -> Response:
    """The list of releases as it changes."""
    wanted = _wanted(request)

    def part() -> str:
        return render("_board.html", root=".", **_board(serving, wanted))

    return _stream(serving, f"board?{request.url.query}", None, _in_a_thread(part))


@router.get("/releases/{release}")
def show_release(release: Identity, serving: Serving, who: Who) -> Response:
    """One release."""
    return _answer("..", lambda: _release_page(serving, ReleaseId(release), who))


@router.get("/releases/{release}/events")
async def watch_release(release: Identity, serving: Serving, who: Who) -> Response:
    """One release as it changes."""
    identity = ReleaseId(release)

    def part() -> str:
        told = story.load(serving.gate, identity, serving.source_links, serving.now())
        return render("_release.html", root="..", story=told, who=who, typed=_NOTHING_YET, faults=())

    return _stream(serving, f"release {release} {who}", identity, _in_a_thread(part))


@router.post("/releases/{release}/{deed}")
async def act(release: Identity, deed: str, request: Request, serving: Serving, who: Who) -> Response:
    """Pause, resume or abort. 303: done, back to the release. 404, 409, 422: the page says why it was not."""
    if deed not in _DEEDS:
        raise HTTPException(404, "there is no such page")
    form = parse_qs((await request.body()).decode(errors="replace"), keep_blank_values=True)
    name, reason = (form.get(key, [""])[0].strip() for key in ("name", "reason"))
    typed = Attempt(deed, who or name, reason)

    def do() -> Response:
        identity = ReleaseId(release)
        faults = list(typed.faults())
        status = 422
        if not faults:
            try:
                _DEEDS[deed](serving.gate, identity, Actor(typed.name), typed.reason, serving.now())
            except NotFound:
                pass  # the page says so
            except GatedError as error:
                faults, status = [str(error)], status_of(error)
            else:
                return RedirectResponse(f"../{release}", status_code=303, headers=HEADERS)
        return _answer("../..", lambda: _release_page(serving, identity, who, "../..", typed, tuple(faults)), status)

    return await run_in_threadpool(do)


@router.get("/api/v1/releases/{release}/report.html")
@router.get("/releases/{release}/report")
def show_report(request: Request, release: Identity, serving: Serving) -> Response:
    """What happened, as a page to print and to keep."""
    root = "../../../.." if request.url.path.endswith(".html") else "../.."

    def page() -> str:
        identity, links, now = ReleaseId(release), serving.source_links, serving.now()
        told = views.release(serving.gate, identity, now)
        drawn = story.load(serving.gate, identity, links, now, story.EVENTS_IN_REPORT)
        return render("report.html", root=root, told=told, headline=headline(told), story=drawn)

    return _answer(root, page)


@router.get("/static/{name}")
def show_static(name: str) -> Response:
    """What the pages load. Its address changes with its content."""
    found = static(name)
    if found is None:
        raise HTTPException(404, "there is no such file")
    content, media_type = found
    headers = {**HEADERS, "Cache-Control": "public, max-age=31536000, immutable"}
    return Response(content, media_type=media_type, headers=headers)


def _wanted(request: Request) -> Wanted:
    asked = request.query_params
    page = asked.get("page", "1")
    return Wanted(
        service=asked.get("service", "").strip(),
        environment=asked.get("environment", "").strip(),
        state=asked.get("state", ""),
        page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 6 else 1,  # noqa: PLR2004 -- digits
        before=asked.get("before", ""),
    )


def _board_page(serving: Services, wanted: Wanted) -> str:
    return render("board.html", root=".", **_board(serving, wanted))


def _board(serving: Services, wanted: Wanted) -> dict[str, object]:
    shown = board.load(serving.gate, wanted, serving.now())
    return {"board": shown, "links": _Links(shown), "interval": serving.gate.interval_seconds}


class _Links:
    """Addresses of the board's other views."""

    def __init__(self, shown: Board) -> None:
        self._wanted = shown.wanted

    def state(self, tone: str) -> str:
        """Only what stands like this; everything when it is so already."""
        return self._query(state="" if tone == self._wanted.state else tone, page=1, before="")

    def page(self, number: int) -> str:
        """Another page of those under way."""
        return self._query(page=number)

    def ended(self, before: str) -> str:
        """More of those that ended."""
        return self._query(before=before)

    def events(self) -> str:
        """Where this view is sent as it changes."""
        return f"events{self._query()}".removesuffix("?")

    def _query(self, *, state: str | None = None, page: int | None = None, before: str | None = None) -> str:
        now = self._wanted
        number = now.page if page is None else page
        asked = {
            "service": now.service,
            "environment": now.environment,
            "state": now.state if state is None else state,
            "page": str(number) if number > 1 else "",
            "before": now.before if before is None else before,
        }
        return f"?{urlencode({key: value for key, value in asked.items() if value})}"


def _release_page(
    serving: Services,
    identity: ReleaseId,
    who: str,
    root: str = "..",
    typed: Attempt = _NOTHING_YET,
    faults: tuple[str, ...] = (),
) -> str:
    told = story.load(serving.gate, identity, serving.source_links, serving.now())
    return render("release.html", root=root, story=told, who=who, typed=typed, faults=faults)


def _answer(root: str, page: Callable[[], str], status: int = 200) -> Response:
    """A page, or the page that says why there is none."""
    try:
        return HTMLResponse(page(), status_code=status, headers=HEADERS)
    except GatedError as error:
        shown = render("problem.html", root=root, message=str(error))
        return HTMLResponse(shown, status_code=status_of(error), headers=HEADERS)


def _in_a_thread(part: Callable[[], str]) -> Callable[[], Awaitable[str]]:
    return lambda: run_in_threadpool(part)


def _stream(
    serving: Services, name: str, release: ReleaseId | None, part: Callable[[], Awaitable[str]]
) -> StreamingResponse:
    events = serving.live.watch(name, release, part)
    return StreamingResponse(events, media_type="text/event-stream", headers=_STREAM)
