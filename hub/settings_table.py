"""A plugin's settings, as its Settings model has them: a row each, a JSON schema, and an example table."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticSerializationError, core_schema, to_jsonable_python

from hub.template import Template

_WORDS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
_MAY_BE_SECRET = re.compile(r"password|secret|token|key|url|channel", re.IGNORECASE)
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class _Schema(GenerateJsonSchema):
    """Describes what it can, and leaves open what an author's own types do not say."""

    def handle_invalid_for_json_schema(
        self, schema: core_schema.CoreSchema, error_info: str
    ) -> JsonSchemaValue:
        return {}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting; `default` is as TOML has it, empty where there is none, `sample` any value of its type.

    A member of a table has the table's name in front: `webhooks.url`.
    """

    name: str
    type: str
    sample: str
    secret: bool
    default: str
    required: bool
    meaning: str


def settings_schema(model: type[BaseModel]) -> dict[str, Any]:
    """Return the JSON schema of a Settings model."""
    return model.model_json_schema(schema_generator=_Schema)


def list_settings(model: type[BaseModel]) -> list[Setting]:
    """Return the settings of a model in the order written, each before the members of its tables."""
    return list(_settings(model))


def _settings(
    model: type[BaseModel], place: str = "", above: tuple[type[BaseModel], ...] = ()
) -> Iterator[Setting]:
    schema = settings_schema(model)
    definitions = schema.get("$defs", {})
    # Of a model that has itself as a member the schema is only a reference.
    own = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    properties = own.get("properties", {})
    for name, field in model.model_fields.items():
        default = plain_default(field)
        shown = "" if default is None else toml_value(default)
        kind = _type(properties.get(name, {}), definitions) or _type_of(default)
        secret = '"format": "password"' in json.dumps(properties.get(name, {}))
        meaning = field.description or ""
        yield Setting(f"{place}{name}", kind, _sample(kind), secret, shown, field.is_required(), meaning)
        for inner in _models_in(field.annotation):
            if inner not in above:
                yield from _settings(inner, f"{place}{name}.", (*above, model))


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)


def _sample(kind: str) -> str:
    """Return a value of a type as TOML has it; what is allowed beyond that is for people to say."""
    if kind.startswith(("list of ", "table")):
        return "[]" if kind.startswith("list of ") else "{}"
    if kind.startswith(("whole number", "number")):
        return "0"
    if kind.startswith("true"):
        return "false"
    return kind.partition(" or ")[0] if kind.startswith('"') else '""'


def show_set(settings: Sequence[Setting], table: Mapping[str, Any]) -> dict[str, str]:
    """Return what a table of hub.toml sets, as TOML has it, without what may be secret."""
    secret = {setting.name for setting in settings if setting.secret}
    return {name: toml_value(_masked(name, value, secret)) for name, value in table.items()}


def _masked(place: str, value: Any, secret: Container[str]) -> Any:
    if isinstance(value, list):
        return [_masked(place, one, secret) for one in value]
    if isinstance(value, dict):
        return {name: _masked(f"{place}.{name}", one, secret) for name, one in value.items()}
    name = place.rpartition(".")[2]
    named_so = _MAY_BE_SECRET.search(name) and not name.endswith("_env")
    return "..." if named_so or place in secret else value


def plain_default(field: FieldInfo) -> Any:
    """Return a setting's default as plain JSON values; None where it has none."""
    if field.is_required():
        return None
    default = field.get_default(call_default_factory=True)
    if isinstance(default, Template):
        return default.text
    try:
        return to_jsonable_python(default, fallback=str, exclude_none=True)
    except PydanticSerializationError:
        return str(default)


def _type(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> str:
    """Return in words what a JSON schema allows; empty where it says nothing."""
    if "$ref" in schema:
        return _type(definitions.get(schema["$ref"].rpartition("/")[2], {}), definitions)
    if "enum" in schema or "const" in schema:
        return " or ".join(json.dumps(one) for one in schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        kinds = [_type(one, definitions) for one in schema["anyOf"] if one.get("type") != "null"]
        return " or ".join(dict.fromkeys(kind for kind in kinds if kind))
    kind = schema.get("type", "")
    if kind == "array":
        return f"list of {_type(schema.get('items', {}), definitions) or 'values'}"
    return "table" if kind == "object" else f"{_WORDS.get(kind, '')}{_range(schema)}"


def _range(schema: Mapping[str, Any]) -> str:
    limits = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    said = [f"{words} {schema[name]:.12g}" for name, words in limits.items() if name in schema]
    return f", {', '.join(said)}" if said else ""


def _type_of(default: Any) -> str:
    return "text" if isinstance(default, str) else "any"


def toml_value(value: Any) -> str:
    """Return a plain value as TOML has it; a None in a table is left out."""
    if isinstance(value, dict):
        members = (f"{_key(key)} = {toml_value(one)}" for key, one in value.items() if one is not None)
        return f"{{ {', '.join(members)} }}" if value else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(toml_value(one) for one in value)}]"
    return json.dumps(value, ensure_ascii=False, default=str)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else json.dumps(name)


def example_table(instance: str, model: type[BaseModel], use: str | None = None) -> str:
    """Return a table for hub.toml: what must be set, and every default (or a sample) as a comment."""
    lines = [f"[plugins.{_key(instance)}]"]
    lines += [f"use = {toml_value(use)}"] if use and use != instance else []
    for setting in list_settings(model):
        if "." in setting.name:
            continue  # the table's own line stands for it
        if setting.required:
            lines.append(f"{setting.name} =   # {setting.type}")
        elif setting.default:
            lines.append(f"# {setting.name} = {setting.default}")
        else:
            lines.append(f"# {setting.name} = {setting.sample}   # {setting.type}")
    return "\n".join(lines) + "\n"
