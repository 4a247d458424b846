"""Where a page of releases ended: opaque to clients, stable however many releases are opened in between."""

import base64

from pydantic import TypeAdapter

from gated.model.errors import InvalidInput
from gated.model.release import Release

_PLACE = TypeAdapter(tuple[float, str])


def after(release: Release) -> str:
    """The cursor of the page that begins behind this release."""
    return base64.urlsafe_b64encode(_PLACE.dump_json((release.opened_at, release.id))).decode()


def parse(cursor: str) -> tuple[float, str]:
    """When the last release of the previous page was opened, and its id.

    Raises:
        InvalidInput: the text is not a cursor of ours.
    """
    try:
        return _PLACE.validate_json(base64.b64decode(cursor, altchars=b"-_", validate=True))
    except ValueError as error:  # not base64, not JSON, not a pair
        raise InvalidInput(f"cursor: {cursor!r} is not one that a previous page gave") from error
