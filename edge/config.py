"""The agent's configuration, agent.toml: what may be set, and reading it with every problem at once."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator

from edge.camera_tables import (
    DEFAULT_MODEL,
    CameraTable,
    CaptureTable,
    ModelTable,
    NamedCamera,
    SamplingTable,
    Table,
)
from edge.display.access import is_loopback
from edge.link import Broker, Protocol
from edge.problems import list_problems
from edge.spool import QUOTA_BYTES
from hub.errors import ConfigError
from hub.event import DEVICE_PATTERN
from hub.wire.tls import Tls, check_tls, make_context

__all__ = ["DEFAULT_MODEL", "AgentConfig", "CameraTable", "CaptureTable", "SamplingTable"]
TOKEN = re.compile(r"[A-Za-z0-9_-]{16,200}")
PORTS = {"mqtt": 1883, "mqtts": 8883}
MAX_CAMERAS = 16  # a hello has room for so many models


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise ValueError(f"is no URL: {error} (known: mqtt://host:port, mqtts://host:port)") from None
    if parts.scheme not in PORTS or not parts.hostname or port == 0 or parts.path not in ("", "/"):
        raise ValueError("must look like mqtt://host:port, or mqtts://host:port for TLS")
    if parts.username is not None or parts.password is not None:
        raise ValueError("must not hold credentials (use username and password_file)")
    return url


def _split_address(address: str) -> tuple[str, int]:
    parts = urlsplit(f"//{address}")
    return parts.hostname or "", parts.port if parts.port is not None else -1


def _check_address(address: str) -> str:
    try:
        host, port = _split_address(address)
    except ValueError as error:
        raise ValueError(f"is no address: {error} (known: host:port)") from None
    if not host or port < 0 or not set("/?#@").isdisjoint(address):
        raise ValueError("must look like 127.0.0.1:8710")
    return address


class AgentTable(Table):
    """Who this device is, and where it keeps what is not yet with the hub.

    Records that wait for longer than `max_picture_age_s` lose their picture, and are given up, and announced
    as a gap, after `max_age_s`; None keeps them. Every `status_s` seconds the hub is told how the agent is.
    """

    device: Annotated[str, Field(pattern=DEVICE_PATTERN)]
    spool: Path = Path("spool.db")
    quota_bytes: Annotated[int, Field(ge=2**20)] = QUOTA_BYTES
    max_picture_age_s: Annotated[float, Field(gt=0)] | None = None
    max_age_s: Annotated[float, Field(gt=0)] | None = None
    status_s: Annotated[float, Field(ge=1)] = 30.0
    quality: Annotated[int, Field(ge=1, le=100)] = 90
    publish_empty: bool = False


class BrokerTable(Table):
    """Where the broker is, and which version of MQTT it gets (`auto`: 5, or 3.1.1 where it does not speak 5).

    The password comes from one of three places, or there is none.

    With an mqtts:// address the broker is known by the system's authorities, or by `ca_file` or `ca` (the
    text of such a file). `cert_file` and `key_file` prove who we are; `alpn` is the protocol to ask for.
    `max_payload_bytes` is the largest record that a broker takes which does not say so itself.
    """

    url: Annotated[str, AfterValidator(_check_url)] = "mqtt://127.0.0.1:1883"
    username: str | None = None
    password: SecretStr | None = None
    password_env: str | None = None
    password_file: Path | None = None
    protocol: Protocol = "auto"
    ca_file: Path | None = None
    ca: str | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    alpn: str | None = None
    max_payload_bytes: Annotated[int, Field(ge=1024)] | None = None

    @property
    def tls(self) -> Tls | None:
        """How to speak TLS, or None where the address does not begin with mqtts://."""
        tls = Tls(self.ca_file, self.ca, self.cert_file, self.key_file, self.alpn)
        return tls if urlsplit(self.url).scheme == "mqtts" else None

    @model_validator(mode="after")
    def _check_tls(self) -> Self:
        tls = Tls(self.ca_file, self.ca, self.cert_file, self.key_file, self.alpn)
        check_tls(urlsplit(self.url).scheme, tls)
        return self

    @model_validator(mode="after")
    def _check_password(self) -> Self:
        places = [name for name in ("password", "password_env", "password_file") if getattr(self, name)]
        if len(places) > 1:
            raise ValueError(f"only one of {' and '.join(places)} may be set")
        if places and not self.username:
            raise ValueError(f"{places[0]} needs a username")
        return self


class DisplayTable(Table):
    """Where the pictures with their boxes can be seen: at an address, in a FIFO, or nowhere.

    The FIFO shows one camera: `fifo_camera`, or the first. Beyond the loopback a token is needed, of at least
    16 characters, in the setting or in a file.
    """

    listen: Annotated[str, AfterValidator(_check_address)] | None = None
    token: SecretStr | None = None
    token_file: Path | None = None
    fifo: Path | None = None
    fifo_camera: str | None = None
    size: Literal["480p", "720p", "1080p"] = "480p"
    fps: Annotated[float, Field(ge=0.1, le=60)] = 15.0

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of `listen`."""
        return _split_address(self.listen or "")

    @property
    def height(self) -> int:
        """Height of the pictures, in pixels."""
        return int(self.size.removesuffix("p"))

    @model_validator(mode="after")
    def _check_token(self) -> Self:
        if self.token is not None and self.token_file is not None:
            raise ValueError("only one of token and token_file may be set")
        given = self.token is not None or self.token_file is not None
        if self.listen is not None and not given and not is_loopback(self.address[0]):
            raise ValueError("listen: beyond the loopback a token is needed (set token or token_file)")
        return self


class AgentConfig(Table):
    """All of agent.toml: one `camera`, or several `cameras`. Relative paths start at the folder the agent is
    started in."""

    agent: AgentTable
    broker: BrokerTable = BrokerTable()
    camera: CameraTable = CameraTable()
    cameras: Annotated[tuple[NamedCamera, ...], Field(max_length=MAX_CAMERAS)] = ()
    capture: CaptureTable = CaptureTable()
    display: DisplayTable = DisplayTable()
    model: ModelTable = ModelTable()
    sampling: SamplingTable = SamplingTable()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the cameras; of a single one perhaps an empty text."""
        return tuple(camera.name for camera in self.cameras) or (self.camera.name or "",)

    def split(self) -> tuple[AgentConfig, ...]:
        """Return a configuration for each camera, as if it were the only one."""
        if not self.cameras:
            return (self,)
        return tuple(
            self.model_copy(
                update={
                    "camera": camera,
                    "cameras": (),
                    "capture": camera.capture or self.capture,
                    "model": camera.model or self.model,
                    "sampling": camera.sampling or self.sampling,
                }
            )
            for camera in self.cameras
        )

    @model_validator(mode="after")
    def _check_cameras(self) -> Self:
        if self.cameras and "camera" in self.model_fields_set:
            raise ValueError("camera: cannot be set (by --source either) beside [[cameras]]; add one there")
        if twice := sorted({name for name in self.names if self.names.count(name) > 1}):
            raise ValueError(f"cameras: several are named {', '.join(twice)}")
        if self.display.fifo_camera not in (None, *self.names):
            known = ", ".join(filter(None, self.names)) or "none has a name"
            raise ValueError(f"display.fifo_camera: there is no such camera (known: {known})")
        return self


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
        ConfigError: The password's variable is not set, or a file is missing, cannot be read or does not fit.
    """
    parts, tls = urlsplit(table.url), table.tls
    if tls is not None:
        make_context(tls)
    return Broker(
        parts.hostname or "",
        parts.port or PORTS[parts.scheme],
        table.username,
        _find_password(table),
        tls,
        table.max_payload_bytes,
        table.protocol,
    )


def _find_password(table: BrokerTable) -> str | None:
    if table.password_env:
        if table.password_env not in os.environ:
            raise ConfigError(f"broker.password_env: the variable {table.password_env} is not set")
        return os.environ[table.password_env]
    if table.password_file:
        return _read_secret("broker.password_file", table.password_file)
    return table.password.get_secret_value() if table.password else None


def find_token(table: DisplayTable) -> str | None:
    """Return the display's token, fetched from where it is kept, or None where none is set.

    Raises:
        ConfigError: Its file cannot be read, or it is too short or holds what no cookie may.
    """
    if table.token_file is not None:
        token = _read_secret("display.token_file", table.token_file)
    elif table.token is not None:
        token = table.token.get_secret_value()
    else:
        return None
    if not TOKEN.fullmatch(token):
        raise ConfigError("display.token: must be 16 to 200 of A-Z a-z 0-9 - _ (openssl rand -hex 16)")
    return token


def _read_secret(place: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{place}: {path} cannot be read") from error
