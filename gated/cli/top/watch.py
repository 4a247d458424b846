"""What is asked next so that the list stays true, and what is known from the answers. Pure.

One question per interval, whatever there is to see: the list is read page by page, round and round. Only until it has
been read once do the pages follow one another without a pause.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gated.cli.client import Request
from gated.operations.documents import ReleaseDocument, ReleasePage

PAGE = 200
"""Releases per question: some hundred kilobytes."""
MOST_PAGES = 10
"""No list is longer than 2,000 releases; people cannot read one, and the gate has better things to do."""
ENDED = 50
"""Of releases that have ended, so many are shown: those opened last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What is known of all releases.

    Args:
        service: only of this service; empty for all.
        environment: only in this environment; empty for all.
        with_ended: whether those that have ended are shown as well.
        shown: what is known, by id.
        gathered: what this round of pages has brought so far.
        pages: how many pages of active releases it has read.
        cursor: where the next page begins; empty for the first.
        is_at_ended: whether the page of ended ones is next.
        is_whole: whether everything was read at least once.
        is_cut: whether there are more than can be shown.
    """

    service: str = ""
    environment: str = ""
    with_ended: bool = False
    shown: Mapping[str, ReleaseDocument] = field(default_factory=dict)
    gathered: Mapping[str, ReleaseDocument] = field(default_factory=dict)
    pages: int = 0
    cursor: str = ""
    is_at_ended: bool = False
    is_whole: bool = False
    is_cut: bool = False


def request(watch: Watch) -> Request:
    """The next question."""
    only = {"service": watch.service, "environment": watch.environment}
    which = {"active": "false", "limit": str(ENDED)} if watch.is_at_ended else {"active": "true", "limit": str(PAGE)}
    return Request("GET", ("api", "v1", "releases"), {**only, **which, "cursor": watch.cursor})


def heard(watch: Watch, page: ReleasePage) -> Watch:
    """What is known after an answer; what a whole round did not bring is gone."""
    news = {found.release: found for found in page.releases}
    gathered = {**watch.gathered, **news}
    now = replace(watch, gathered=gathered, shown={**watch.shown, **news})
    if not watch.is_at_ended:
        pages = watch.pages + 1
        if page.next and pages < MOST_PAGES:
            return replace(now, pages=pages, cursor=page.next)
        now = replace(now, pages=pages, cursor="", is_cut=bool(page.next))
        if watch.with_ended:
            return replace(now, is_at_ended=True)
    return replace(now, shown=gathered, gathered={}, pages=0, cursor="", is_at_ended=False, is_whole=True)


def restarted(watch: Watch, *, with_ended: bool) -> Watch:
    """The same with or without those that have ended, read anew from the first page."""
    kept = {name: found for name, found in watch.shown.items() if found.active or with_ended}
    fresh = Watch(service=watch.service, environment=watch.environment, with_ended=with_ended)
    return replace(fresh, shown=kept)
