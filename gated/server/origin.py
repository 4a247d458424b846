"""Keeps other sites from acting through somebody's browser.

A page anywhere may make a browser send a POST to any address it can reach, gated's among them. Browsers say where a
request comes from (`Sec-Fetch-Site`, `Origin`), pages cannot change that, and what is no browser says neither. So no
token has to be kept and carried, and the API is protected like the pages [1].

A site can also give its own name gated's address, and then is of the same origin in the browser's eyes (DNS
rebinding). So what a browser sends must call gated by an address, by `localhost`, or by the name in `external_url`.

[1] The algorithm of Go's net/http.CrossOriginProtection.
"""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from gated.server.problems import Problem, problem

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN = frozenset({"same-origin", "none"})


class OwnPagesOnly:
    """Refuses with 403 what a browser sends to change something, unless a page of gated sent it.

    Args:
        app: what is protected.
        external_url: where people reach gated; empty when nobody said.
    """

    def __init__(self, app: ASGIApp, external_url: str = "") -> None:
        self._app = app
        self._external = urlsplit(external_url)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and scope["method"] not in _SAFE and (why := self._fault(Headers(scope=scope))):
            await problem(403, Problem(error="forbidden", message=why))(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _fault(self, headers: Headers) -> str:
        """Why a request is refused; empty when it is not."""
        site, origin, host = headers.get("sec-fetch-site"), headers.get("origin"), headers.get("host", "")
        if site is None and origin is None:
            return ""  # no browser: `gated`, curl, a pipeline
        if site is not None and site not in _OWN:
            return "this was sent by a page of another site"
        if origin is not None and site is None and not self._is_own(origin, host):
            return f"this was sent by a page of {origin}"
        if not self._is_known(host):
            return f"gated does not know that it is called {host}; set external_url in gated.yaml"
        return ""

    def _is_own(self, origin: str, host: str) -> bool:
        try:
            sent_by = urlsplit(origin)
        except ValueError:
            return False
        own = (self._external.scheme, self._external.netloc)
        return sent_by.netloc == host or (bool(self._external.netloc) and (sent_by.scheme, sent_by.netloc) == own)

    def _is_known(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
            if name not in {"localhost", self._external.hostname}:
                ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
