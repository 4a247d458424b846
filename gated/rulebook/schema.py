"""The shape of a whole rule file, and the JSON Schemas that are made of it and of other entries."""

from typing import Annotated, Any

from pydantic import Field
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from gated.rulebook.entry import Entry
from gated.rulebook.plans import PlanEntry
from gated.rulebook.rules import AnyRuleEntry
from gated.rulebook.spelling import Name, Spelling


def _read_version(text: str) -> int:
    if text != "1":
        raise ValueError(f"{text!r} is not a version of rule files that this gated reads; write version: 1")
    return 1


class RuleFile(Entry):
    """A rule file of gated: what is watched while a release is rolled out, and along which stages."""

    version: Annotated[int, Spelling("the version of rule files", _read_version, {"enum": [1, "1"]})]
    """The version of this format: 1."""
    rules: dict[Name, AnyRuleEntry] = Field(default_factory=dict)
    """Rules by name; unique over all files."""
    plans: dict[Name, PlanEntry] = Field(default_factory=dict)
    """Plans by name; unique over all files."""


class FileHead(RuleFile):
    """The top of a rule file, whatever its rules and plans are: each of those is read by itself."""

    rules: dict[Name, Any] = Field(default_factory=dict)
    """As above."""
    plans: dict[Name, Any] = Field(default_factory=dict)
    """As above."""


class _FileSchema(GenerateJsonSchema):
    """pydantic's schema of a model, as a schema of what a person may write."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """A mapping, its own keys before those it shares with others."""
        made = super().model_schema(schema)
        properties = made.get("properties", {})
        return {**made, "properties": {key: properties[key] for key in schema["cls"].key_purposes()}}

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - whatever the field is
        """Never: the title of a field is what its spelling calls such a value."""
        return False

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """A mapping whose keys the user chooses: those that are no names are refused."""
        made = super().dict_schema(schema)
        return {**made, "additionalProperties": False} if "patternProperties" in made else made

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """A key that may be left out; nobody can write None."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """The default, unless it is that the key is left out."""
        if schema.get("default") is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


def json_schema(entry: type[Entry] = RuleFile) -> JsonSchemaValue:
    """The JSON Schema (draft 2020-12) of a file.

    Args:
        entry: its top.
    """
    schema = entry.model_json_schema(schema_generator=_FileSchema)
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema}
