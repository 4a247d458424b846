"""Values of the model as JSON text, and back.

The text of a value is what pydantic makes of the dataclass: one key per field, enums by value, tuples as arrays.
Reading ignores keys it does not know and fills in missing ones from the field's default, so a document written by a
neighbouring version of gated can be read as long as new fields have defaults.

Measured for a release with six rules (4.3 kB): 20 µs to write, 50 µs to read.
"""

from typing import Any, Generic, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError
from typing_extensions import TypeAliasType

from gated.model.errors import InvalidInput
from gated.model.plan import Policy
from gated.model.release import Release
from gated.model.step import AuditEntry, Decision, OutcomeChange, Signal
from gated.model.trace import TracePoint
from gated.store.errors import StoreDamaged

T = TypeVar("T")

_LOSSLESS = ConfigDict(ser_json_inf_nan="strings")
"""JSON has no NaN; pydantic would write null and could not read it back."""


class Codec(Generic[T]):
    """Writes and reads one type.

    Args:
        kind: a dataclass of the model.
    """

    def __init__(self, kind: type[T]) -> None:
        self._name = kind.__name__
        # A plain dataclass takes no configuration; an alias of it does, and hands it down to all it contains.
        alias: Any = TypeAliasType(kind.__name__, kind)
        self._adapter: TypeAdapter[T] = TypeAdapter(alias, config=_LOSSLESS)

    def encode(self, value: T) -> str:
        """The value as JSON text.

        Raises:
            InvalidInput: a text in it is not Unicode (a lone surrogate).
        """
        try:
            return self._adapter.dump_json(value).decode()
        except PydanticSerializationError as error:
            raise InvalidInput(f"this {self._name} cannot be stored: {error}") from error

    def decode(self, document: str) -> T:
        """The value that was written.

        Raises:
            StoreDamaged: the text is not such a value; the message says where it is wrong.
        """
        try:
            return self._adapter.validate_json(document)
        except ValidationError as error:
            fault = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(key) for key in fault["loc"]) or "its beginning"
            raise StoreDamaged(f"a stored {self._name} cannot be read at {place}: {fault['msg']}") from error


POLICY = Codec(Policy)
RELEASE = Codec(Release)
OUTCOME = Codec(OutcomeChange)
TRACE_POINT = Codec(TracePoint)
DECISION = Codec(Decision)
SIGNAL = Codec(Signal)
AUDIT_ENTRY = Codec(AuditEntry)
