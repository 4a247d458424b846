"""How long a request may take to arrive.

uvicorn closes idle connections between requests, but never one whose request is half sent. Here every request must be
complete, headers and body, within `RECEIVE_SECONDS` of the connection or of its own first byte.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

RECEIVE_SECONDS = 10.0
"""An honest request is one packet; ten seconds allow for a bad mobile line."""


class PromptProtocol(HttpToolsProtocol):
    """HTTP/1.1 that hangs up on clients who do not finish their request."""

    _receive_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Start the clock with the connection: one that never says anything is closed as well."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_timer()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Start the clock with the first byte of a further request."""
        super().on_message_begin()
        if self._receive_timer is None:
            self._start_timer()

    def on_message_complete(self) -> None:
        """Stop the clock with the last byte of a request."""
        super().on_message_complete()
        self._stop_timer()

    def _start_timer(self) -> None:
        self._receive_timer = self.loop.call_later(RECEIVE_SECONDS, self._hang_up)

    def _stop_timer(self) -> None:
        if self._receive_timer is not None:
            self._receive_timer.cancel()
            self._receive_timer = None

    def _hang_up(self) -> None:
        self._receive_timer = None
        transport: Any = self.transport
        if transport is not None and not transport.is_closing():
            transport.abort()
