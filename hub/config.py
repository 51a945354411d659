"""Reads hub.toml: every setting checked, all problems at once."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, model_validator

from hub.decode.aliases import Alias, ZoneName
from hub.decode.limits import Limits
from hub.decode.registry import DECODER_NAMES
from hub.errors import ConfigError
from hub.event import DeviceName, Name, Plain
from hub.problems import describe_problems
from hub.wire.protocol import UPWARD_FILTERS

DEFAULT_PATH = Path("hub.toml")
DEEPLENS_FILTER = "$aws/things/+/infer"
PRIVATE = "private"


def _check_broker(value: str) -> str:
    if value == PRIVATE:
        return value
    try:
        parts = urlsplit(value)
        port = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise ValueError("is not a broker address like mqtt://host:1883") from error
    if parts.scheme != "mqtt" or not parts.hostname or port == 0:
        raise ValueError('must be "private" or like mqtt://host:1883')
    if parts.username or parts.password:
        raise ValueError(
            "must not hold credentials; use mqtt.username and mqtt.password_env or password_file"
        )
    return value


def _check_filter(value: str) -> str:
    levels = value.split("/")
    wild = any(("#" in level and level != "#") or ("+" in level and level != "+") for level in levels)
    if not value or wild or "#" in levels[:-1] or "\x00" in value or len(value) > 1000:
        raise ValueError("is not an MQTT topic filter (+ for one level, # at the end for all below)")
    return value


def _check_decoder(value: str) -> str:
    if value not in DECODER_NAMES:
        raise ValueError(f"unknown decoder {value!r} (known: {', '.join(DECODER_NAMES)})")
    return value


TopicFilter = Annotated[str, AfterValidator(_check_filter)]
DecoderName = Annotated[str, AfterValidator(_check_decoder)]


def _default_topics() -> dict[str, str]:
    return dict.fromkeys(UPWARD_FILTERS, "edge") | {DEEPLENS_FILTER: "deeplens"}


class HubSettings(Plain):
    """`[hub]`: where everything is kept."""

    data_dir: Path = Path("lenshub-data")


class MqttSettings(Plain):
    """`[mqtt]`: the broker and what is heard on it."""

    broker: Annotated[str, AfterValidator(_check_broker)] = PRIVATE
    port: Annotated[int, Field(ge=1, le=65535)] = 18883
    client_id: Name = "lenshub"
    username: Name | None = None
    password_env: Name | None = None
    password_file: Path | None = None
    mqtt5: bool = False
    known_devices: frozenset[DeviceName] = frozenset()
    topics: Annotated[dict[TopicFilter, DecoderName], Field(min_length=1)] = Field(
        default_factory=_default_topics
    )

    @model_validator(mode="after")
    def _one_password(self) -> MqttSettings:
        if self.password_env and self.password_file:
            raise ValueError("set password_env or password_file, not both")
        return self

    def address(self) -> tuple[str, int]:
        """Return (host, port) of the broker."""
        if self.broker == PRIVATE:
            return "127.0.0.1", self.port
        parts = urlsplit(self.broker)
        return parts.hostname or "", parts.port or 1883


class DeepLensSettings(Plain):
    """`[deeplens]`: time zone and names of devices that speak the DeepLens format."""

    timezone: ZoneName = "UTC"
    things: dict[Name, Alias] = Field(default_factory=dict)


class Config(Plain):
    """All of hub.toml. `plugins` holds raw tables: each is checked by its plugin's own settings."""

    hub: HubSettings = HubSettings()
    mqtt: MqttSettings = MqttSettings()
    limits: Limits = Limits()
    deeplens: DeepLensSettings = DeepLensSettings()
    plugins: dict[Name, dict[str, Any]] = Field(default_factory=dict)


def read_config(path: Path | None) -> Config:
    """Read a configuration file; None means hub.toml here, or the defaults when there is none.

    Returns:
        The configuration, with its paths made absolute beside the file.

    Raises:
        ConfigError: The file cannot be read, or holds anything wrong; with every problem.
    """
    path, table = read_table(path)
    try:
        return _beside(Config.model_validate(table), path.resolve().parent)
    except ValidationError as error:
        raise ConfigError(*(f"{path}: {line}" for line in describe_problems(error, "", Config))) from error


def read_table(path: Path | None) -> tuple[Path, dict[str, Any]]:
    """Read a configuration file as it is written: its path, and its tables unchecked.

    Raises:
        ConfigError: The file cannot be read or is not TOML.
    """
    if path is None and not DEFAULT_PATH.exists():
        return DEFAULT_PATH, {}
    path = path or DEFAULT_PATH
    try:
        return path, tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error


def _beside(config: Config, folder: Path) -> Config:
    hub = config.hub.model_copy(update={"data_dir": folder / config.hub.data_dir})
    mqtt = config.mqtt
    if mqtt.password_file is not None:
        mqtt = mqtt.model_copy(update={"password_file": folder / mqtt.password_file})
    return config.model_copy(update={"hub": hub, "mqtt": mqtt})


def read_password(settings: MqttSettings) -> str | None:
    """Return the broker password from the environment or a file.

    Raises:
        ConfigError: The variable is not set, or the file cannot be read.
    """
    if settings.password_env is not None:
        password = os.environ.get(settings.password_env)
        if password is None:
            raise ConfigError(
                f"mqtt.password_env: the environment variable {settings.password_env} is not set"
            )
        return password
    if settings.password_file is None:
        return None
    try:
        return settings.password_file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"mqtt.password_file: cannot read {settings.password_file}: {error}") from error
