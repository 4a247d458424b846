"""Cursors: opaque, exact, and refused when they are not ours."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gated.model.errors import InvalidInput
from gated.model.ids import ReleaseId
from gated.store import cursor
from tests import samples


@given(st.floats(allow_nan=False, allow_infinity=False), st.text())
def test_a_cursor_names_its_place_exactly(opened_at: float, name: str) -> None:
    release = samples.release(id=ReleaseId(name), opened_at=opened_at)
    assert cursor.parse(cursor.after(release)) == (opened_at, name)


def test_a_cursor_needs_no_escaping_in_a_url() -> None:
    release = samples.release(id=ReleaseId("ÿ>?" * 5))
    assert not set(cursor.after(release)) & set("+/&?#% ")


NOT_CURSORS = {
    "empty": "",
    "not base64": "%%%",
    "not ASCII": "ü",
    "cut short": cursor.after(samples.release())[:-3],
    "not JSON": base64.urlsafe_b64encode(b"hello").decode(),
    "another shape": base64.urlsafe_b64encode(b'{"opened_at": 5}').decode(),
    "swapped": base64.urlsafe_b64encode(b'["r1", 5.0]').decode(),
    "too long": base64.urlsafe_b64encode(b'[5.0, "r1", "r2"]').decode(),
}


@pytest.mark.parametrize("text", NOT_CURSORS.values(), ids=NOT_CURSORS)
def test_what_is_not_a_cursor_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"^cursor: "):
        cursor.parse(text)
