"""The agent's configuration, agent.toml: what may be set, and reading it with every problem at once."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from edge.link import Broker
from edge.model import SHIPPED
from edge.problems import list_problems
from edge.spool import QUOTA_BYTES
from hub.errors import ConfigError
from hub.event import DEVICE_PATTERN

DEFAULT_MODEL = SHIPPED / "thumbs-up"


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise ValueError(f"is no URL: {error} (known: mqtt://host:port)") from None
    if parts.scheme != "mqtt" or not parts.hostname or port == 0 or parts.path not in ("", "/"):
        raise ValueError("must look like mqtt://host:port")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold credentials (use username and password_file)")
    return url


class Table(BaseModel):
    """A table of agent.toml; a member it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AgentTable(Table):
    """Who this device is, and where it keeps what is not yet with the hub."""

    device: Annotated[str, Field(pattern=DEVICE_PATTERN)]
    spool: Path = Path("spool.db")
    quota_bytes: Annotated[int, Field(ge=2**20)] = QUOTA_BYTES
    quality: Annotated[int, Field(ge=1, le=100)] = 90
    publish_empty: bool = False


class BrokerTable(Table):
    """Where the broker is. The password comes from one of three places, or there is none."""

    url: Annotated[str, AfterValidator(_check_url)] = "mqtt://127.0.0.1:1883"
    username: str | None = None
    password: SecretStr | None = None
    password_env: str | None = None
    password_file: Path | None = None

    @model_validator(mode="after")
    def _check_password(self) -> Self:
        places = [name for name in ("password", "password_env", "password_file") if getattr(self, name)]
        if len(places) > 1:
            raise ValueError(f"only one of {' and '.join(places)} may be set")
        if places and not self.username:
            raise ValueError(f"{places[0]} needs a username")
        return self


class CameraTable(Table):
    """What is watched: a V4L2 device (`/dev/video0` or `0`), a video file, or a folder of pictures."""

    source: str = "/dev/video0"
    every: Annotated[int, Field(ge=1)] = 1
    passes: Annotated[int, Field(ge=0)] = 1
    pace: bool = True


class ModelTable(Table):
    """The folder of the model to run."""

    path: Path = DEFAULT_MODEL


class AgentConfig(Table):
    """All of agent.toml. Relative paths start at the folder the agent is started in."""

    agent: AgentTable
    broker: BrokerTable = BrokerTable()
    camera: CameraTable = CameraTable()
    model: ModelTable = ModelTable()


def read_config(path: Path | None, overrides: dict[str, dict[str, Any]]) -> AgentConfig:
    """Read agent.toml and put the command line's values over it.

    Args:
        path: The file; None for none.
        overrides: Tables with the values to put over those of the file.

    Raises:
        ConfigError: The file cannot be read or is wrong; with every problem.
    """
    name = str(path) if path else "command line"
    tables: dict[str, Any] = {"agent": {}} | (_parse(path) if path else {})
    for table, values in overrides.items():
        given = tables.get(table, {})
        tables[table] = {**given, **values} if isinstance(given, dict) else given
    try:
        return AgentConfig.model_validate(tables)
    except ValidationError as error:
        raise ConfigError(*list_problems(name, error, AgentConfig)) from None


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: is no TOML: {error}") from error


def find_broker(table: BrokerTable) -> Broker:
    """Return where and how to connect, with the password fetched from where it is kept.

    Raises:
        ConfigError: The password's variable is not set, or its file cannot be read.
    """
    parts = urlsplit(table.url)
    return Broker(parts.hostname or "", parts.port or 1883, table.username, _find_password(table))


def _find_password(table: BrokerTable) -> str | None:
    if table.password_env:
        if table.password_env not in os.environ:
            raise ConfigError(f"broker.password_env: the variable {table.password_env} is not set")
        return os.environ[table.password_env]
    if table.password_file:
        try:
            return table.password_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"broker.password_file: {table.password_file} cannot be read") from error
    return table.password.get_secret_value() if table.password else None
