"""Values of the model as JSON, and back without loss."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gated.model.errors import InvalidInput
from gated.model.plan import Policy
from gated.model.release import Release
from gated.model.step import AuditEntry, Decision, OutcomeChange, Signal
from gated.store import codec
from gated.store.errors import StoreDamaged
from tests import samples

CODECS: dict[str, tuple[codec.Codec[Any], type]] = {
    "policy": (codec.POLICY, Policy),
    "release": (codec.RELEASE, Release),
    "outcome": (codec.OUTCOME, OutcomeChange),
    "decision": (codec.DECISION, Decision),
    "signal": (codec.SIGNAL, Signal),
    "audit entry": (codec.AUDIT_ENTRY, AuditEntry),
}


@pytest.mark.parametrize("name", CODECS)
@given(data=st.data())
def test_any_value_survives(name: str, data: st.DataObject) -> None:
    """Compared as text, because NaN equals nothing."""
    its_codec, kind = CODECS[name]
    value = data.draw(st.from_type(kind))
    assert repr(its_codec.decode(its_codec.encode(value))) == repr(value)


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, -0.0, 5e-324, 1.7976931348623157e308, 0.1 + 0.2])
def test_a_number_survives_in_json_that_every_reader_accepts(number: float) -> None:
    document = codec.RELEASE.encode(samples.release(opened_at=number))
    assert repr(codec.RELEASE.decode(document).opened_at) == repr(number)
    json.loads(document, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


def test_a_document_of_an_older_gated_gets_the_defaults_of_new_fields() -> None:
    fields = json.loads(codec.RELEASE.encode(samples.release()))
    del fields["is_blind_escalated"]
    assert codec.RELEASE.decode(json.dumps(fields)) == samples.release()


def test_a_document_of_a_newer_gated_is_read_without_what_it_added() -> None:
    fields = json.loads(codec.RELEASE.encode(samples.release())) | {"colour": "red"}
    assert codec.RELEASE.decode(json.dumps(fields)) == samples.release()


def test_a_document_that_cannot_be_read_says_where_and_not_what() -> None:
    """The place helps whoever repairs it; the content may be anything."""
    document = codec.RELEASE.encode(samples.baking_release()).replace('"baking"', '"hunter2"')
    with pytest.raises(StoreDamaged, match="a stored Release cannot be read at phase: ") as refused:
        codec.RELEASE.decode(document)
    assert "hunter2" not in str(refused.value)


def test_a_document_that_was_cut_short_is_damaged() -> None:
    with pytest.raises(StoreDamaged, match="at its beginning"):
        codec.RELEASE.decode(codec.RELEASE.encode(samples.release())[:-1])


def test_a_text_that_is_not_unicode_cannot_be_stored() -> None:
    with pytest.raises(InvalidInput, match="this AuditEntry cannot be stored"):
        codec.AUDIT_ENTRY.encode(samples.audit_entry(detail="\udc80"))
