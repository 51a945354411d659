"""A plugin's settings in words: types, defaults, meanings, and a table that TOML reads."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from hub.settings_table import example_table, list_settings, settings_schema, show_set, toml_value


class Strange:
    """A type that has no JSON schema."""


class Inner(BaseModel):
    side: int = Field(default=3, description="of a square")
    dsn: SecretStr | None = None
    again: list[Inner] = []


class Settings(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    url: str = Field(description="where to send")
    folder: Path = Path("a b")
    level: Annotated[float, Field(ge=0, le=1)] = 0.5
    mode: Literal["fast", "slow"] = "slow"
    labels: tuple[str, ...] = ("あ", 'x"y')
    inner: Inner = Inner()
    key: SecretStr | None = None
    password: SecretStr = SecretStr("hidden")
    strange: Strange = Field(default_factory=Strange)
    loud: bool = False
    long_s: Annotated[float, Field(le=366 * 86_400)] = 1
    tags: list[str] | None = None


def test_settings_are_told_with_type_default_and_meaning():
    told = {s.name: (s.type, s.default, s.required, s.meaning) for s in list_settings(Settings)}

    assert told["url"] == ("text", "", True, "where to send")
    assert told["folder"] == ("text", '"a b"', False, "")
    assert told["level"] == ("number, at least 0, at most 1", "0.5", False, "")
    assert told["mode"] == ('"fast" or "slow"', '"slow"', False, "")
    assert told["labels"] == ("list of text", '["あ", "x\\"y"]', False, "")
    assert told["inner"] == ("table", "{ side = 3, again = [] }", False, "")
    assert told["inner.side"] == ("whole number", "3", False, "of a square")
    assert told["inner.again.side"] == told["inner.side"]
    assert told["long_s"] == ("number, at most 31622400", "1", False, "")
    assert told["key"] == ("text", "", False, "")
    assert told["loud"] == ("true or false", "false", False, "")


def test_defaults_that_are_secret_are_not_shown():
    (password,) = [s for s in list_settings(Settings) if s.name == "password"]

    assert "hidden" not in password.default
    assert "hidden" not in str(settings_schema(Settings))


def test_example_names_what_must_be_set_and_is_toml_once_it_is():
    table = example_table("my plugin", Settings, "bell")

    assert table.startswith('[plugins."my plugin"]\nuse = "bell"\nurl =   # text\n# folder = "a b"\n')
    read = tomllib.loads(table.replace("url =", 'url = "x"').replace("# level", "level"))
    assert read == {"plugins": {"my plugin": {"use": "bell", "url": "x", "level": 0.5}}}


def test_example_has_a_value_where_there_is_no_default():
    lines = example_table("bell", Settings).splitlines()

    assert "# tags = []   # list of text" in lines
    assert '# key = ""   # text' in lines
    assert not [line for line in lines if line.startswith("# inner.")]


def test_what_is_set_is_told_without_secrets():
    table = {
        "url": "https://me:secret@h",
        "level": 1,
        "inner": {"side": 1, "dsn": "secret"},
        "password": "secret",
    }
    shown = show_set(list_settings(Settings), table | {"key_env": "KEY", "at": date(2026, 11, 21)})

    assert "secret" not in str(shown)
    assert shown["inner"] == '{ side = 1, dsn = "..." }'
    assert (shown["level"], shown["key_env"], shown["at"]) == ("1", '"KEY"', '"2026-11-21"')


@pytest.mark.parametrize("value", ["a\x00\u2028b", [1, 2.5, True], {"a b": {"c": ["d"]}}, {}, [], 1e300, -3])
def test_values_are_read_back_from_toml(value):
    assert tomllib.loads(f"found = {toml_value(value)}")["found"] == value
