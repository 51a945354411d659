"""Reads hub.toml: every setting checked, all problems at once."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationError, ValidationInfo, model_validator

from hub.decode.aliases import Alias, ZoneName
from hub.decode.frigate import FrigateSettings
from hub.decode.limits import Limits
from hub.decode.registry import DECODER_NAMES
from hub.errors import ConfigError
from hub.event import DeviceName, Name, Plain
from hub.gate.card import is_shipped
from hub.gate.settings import GateSettings
from hub.images.http_settings import HttpSettings
from hub.problems import describe_problems
from hub.review.settings import ReviewSettings
from hub.watchdog.settings import WatchdogSettings
from hub.wire.protocol import UPWARD_FILTERS
from hub.wire.tls import Tls, check_tls

DEFAULT_PATH = Path("hub.toml")
DEEPLENS_FILTER = "$aws/things/+/infer"
PRIVATE = "private"
PORTS = {"mqtt": 1883, "mqtts": 8883}
_HOST = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")


def _check_broker(value: str) -> str:
    if value == PRIVATE:
        return value
    try:
        parts = urlsplit(value)
        port = parts.port
        (parts.hostname or "").encode("idna")
    except ValueError as error:
        raise ValueError("is not a broker address like mqtt://host:1883") from error
    if parts.scheme not in PORTS or not parts.hostname or port == 0:
        raise ValueError('must be "private" or like mqtt://host:1883, or mqtts://host:8883 for TLS')
    if parts.username or parts.password:
        raise ValueError(
            "must not hold credentials; use mqtt.username and mqtt.password_env or password_file"
        )
    return value


def _split_listen(value: str) -> tuple[str, int]:
    parts = urlsplit(f"//{value}")
    return parts.hostname or "", parts.port or 0


def _check_listen(value: str) -> str:
    try:
        host, port = _split_listen(value)
        ip_address(host)
    except ValueError as error:
        raise ValueError("must be an IP address and a port, such as 0.0.0.0:8883") from error
    if not port or not set("/?#@").isdisjoint(value):
        raise ValueError("must be an IP address and a port, such as 0.0.0.0:8883")
    return value


def _check_name(value: str) -> str:
    if not _HOST.fullmatch(value):
        try:
            ip_address(value)
        except ValueError as error:
            raise ValueError("must be a host's name, such as hub.local, or an IP address") from error
    return value


def _check_filter(value: str) -> str:
    levels = value.split("/")
    wild = any(("#" in level and level != "#") or ("+" in level and level != "+") for level in levels)
    if not value or wild or "#" in levels[:-1] or not value.isprintable() or len(value) > 1000:
        raise ValueError("is not an MQTT topic filter (+ for one level, # at the end for all below)")
    return value


def _check_decoder(value: str, info: ValidationInfo) -> str:
    """Let through our own decoders and the instances of the file, which are the context's `instances`."""
    known = (*DECODER_NAMES, *(info.context or {}).get("instances", ()))
    if value not in known:
        raise ValueError(f"unknown decoder {value!r} (known: {', '.join(known)})")
    return value


HostName = Annotated[str, AfterValidator(_check_name)]
TopicFilter = Annotated[str, AfterValidator(_check_filter)]
DecoderName = Annotated[str, AfterValidator(_check_decoder)]


def _default_topics() -> dict[str, str]:
    return dict.fromkeys(UPWARD_FILTERS, "edge") | {DEEPLENS_FILTER: "deeplens"}


def _usable_path(path: Path) -> Path:
    if not str(path).isprintable() or len(str(path)) > MAX_PATH_CHARS:
        raise ValueError(f"is no path: it has signs that cannot be printed, or more than {MAX_PATH_CHARS}")
    return path


def _plain_name(name: str) -> str:
    if not _INSTANCE.fullmatch(name):
        raise ValueError("an instance's name begins with a letter or digit; then may come -, _, . and spaces")
    return name


MAX_PATH_CHARS = 1000
_INSTANCE = re.compile(r"[^\W_][\w. -]*")
InstanceName = Annotated[Name, AfterValidator(_plain_name)]
"""It is part of file names."""


class HubSettings(Plain):
    """`[hub]`: where everything is kept."""

    data_dir: Annotated[Path, AfterValidator(_usable_path)] = Path("lenshub-data")


class MqttSettings(Plain):
    """`[mqtt]`: the broker and what is heard on it."""

    broker: Annotated[str, AfterValidator(_check_broker)] = PRIVATE
    port: Annotated[int, Field(ge=1, le=65535)] = 18883
    client_id: Name = "lenshub"
    username: Name | None = None
    password_env: Name | None = None
    password_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    alpn: str | None = None
    listen: Annotated[str, AfterValidator(_check_listen)] | None = None
    listen_names: tuple[HostName, ...] = ()
    listen_cert_file: Path | None = None
    listen_key_file: Path | None = None
    listen_ca_file: Path | None = None
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

    @model_validator(mode="after")
    def _check_tls(self) -> MqttSettings:
        check_tls(urlsplit(self.broker).scheme, self._tls)
        return self

    @model_validator(mode="after")
    def _check_listening(self) -> MqttSettings:
        if self.listen and self.broker != PRIVATE:
            raise ValueError("listen is for the private broker; a broker of yours listens by itself")
        if self.listen_address and self.listen_address[1] == self.port:
            raise ValueError("listen needs another port than port, which is the hub's own on the loopback")
        rest = ("names", "cert_file", "key_file", "ca_file")
        named = [f"listen_{name}" for name in rest if getattr(self, f"listen_{name}")]
        if named and not self.listen:
            raise ValueError(f"{' and '.join(named)} would do nothing without listen")
        if bool(self.listen_cert_file) != bool(self.listen_key_file):
            raise ValueError("listen_cert_file and listen_key_file belong together: set both or none")
        if self.listen_ca_file and not self.listen_cert_file:
            raise ValueError("listen_ca_file is the authority of listen_cert_file, which is not set")
        return self

    @property
    def _tls(self) -> Tls:
        return Tls(self.ca_file, None, self.cert_file, self.key_file, self.alpn, "mqtt")

    @property
    def tls(self) -> Tls | None:
        """How to speak TLS to a broker of yours, or None where its address does not begin with mqtts://."""
        return self._tls if urlsplit(self.broker).scheme == "mqtts" else None

    @property
    def listen_address(self) -> tuple[str, int] | None:
        """Where the private broker also listens, or None for on the loopback only."""
        return _split_listen(self.listen) if self.listen else None

    def address(self) -> tuple[str, int]:
        """Return (host, port) of the broker."""
        if self.broker == PRIVATE:
            return "127.0.0.1", self.port
        parts = urlsplit(self.broker)
        return parts.hostname or "", parts.port or PORTS[parts.scheme]


_MQTT_FILES = [name for name in MqttSettings.model_fields if name.endswith("_file")]
_HTTP_FILES = ("cert_file", "key_file")


class DeepLensSettings(Plain):
    """`[deeplens]`: time zone and names of devices that speak the DeepLens format."""

    timezone: ZoneName = "UTC"
    things: dict[Name, Alias] = Field(default_factory=dict)


class Config(Plain):
    """All of hub.toml. `plugins` holds raw tables: each is checked by its plugin's own settings."""

    hub: HubSettings = HubSettings()
    mqtt: MqttSettings = MqttSettings()
    limits: Limits = Limits()
    watchdog: WatchdogSettings = WatchdogSettings()
    review: ReviewSettings = Field(default_factory=ReviewSettings)
    deeplens: DeepLensSettings = DeepLensSettings()
    http: HttpSettings = HttpSettings()
    frigate: FrigateSettings = FrigateSettings()
    gates: dict[Name, GateSettings] = Field(default_factory=dict)
    plugins: dict[InstanceName, dict[str, Any]] = Field(default_factory=dict)


def read_config(path: Path | None) -> Config:
    """Read a configuration file; None means hub.toml here, or the defaults when there is none.

    Returns:
        The configuration, with its paths made absolute beside the file.

    Raises:
        ConfigError: The file cannot be read, or holds anything wrong; with every problem.
    """
    return _check_tables(*read_table(path))


def _check_tables(path: Path, table: dict[str, Any]) -> Config:
    try:
        found = Config.model_validate(table, context={"instances": _instances(table)})
        return _beside(found, path.resolve().parent)
    except ValidationError as error:
        raise ConfigError(*(f"{path}: {line}" for line in describe_problems(error, "", Config))) from error


def read_data_dir(path: Path | None) -> Path:
    """Return where a configuration file says that everything is kept, whatever else is wrong with the file.

    Raises:
        ConfigError: The file cannot be read, is not TOML, or `[hub]` is wrong.
    """
    path, table = read_table(path)
    return _check_tables(path, {"hub": table.get("hub", {})}).hub.data_dir


def _instances(table: Mapping[str, Any]) -> list[str]:
    plugins = table.get("plugins")
    return sorted(plugins) if isinstance(plugins, dict) else []


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
    except RecursionError as error:
        raise ConfigError(
            f"{path}: is not TOML that can be read: tables or lists too deep in each other"
        ) from error
    except ValueError as error:  # Python reads no number of thousands of digits
        raise ConfigError(f"{path}: is not TOML that can be read: a number is too long") from error


def _beside(config: Config, folder: Path) -> Config:
    hub = config.hub.model_copy(update={"data_dir": folder / config.hub.data_dir})
    mqtt = config.mqtt
    files = {name: folder / path for name in _MQTT_FILES if (path := getattr(mqtt, name)) is not None}
    mqtt = mqtt.model_copy(update=files)
    http = config.http
    files = {name: folder / path for name in _HTTP_FILES if (path := getattr(http, name)) is not None}
    http = http.model_copy(update=files)
    gates = {name: _beside_gate(gate, folder) for name, gate in config.gates.items()}
    return config.model_copy(update={"hub": hub, "mqtt": mqtt, "http": http, "gates": gates})


def _beside_gate(gate: GateSettings, folder: Path) -> GateSettings:
    if gate.model is None or is_shipped(gate.model):
        return gate
    return gate.model_copy(update={"model": folder / gate.model})


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
