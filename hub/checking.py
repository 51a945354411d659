"""Says what is wrong with hub.toml where no rule of a setting finds it: broker, certificates, password."""

from __future__ import annotations

from datetime import UTC, datetime

from hub.broker import HOW_TO_INSTALL, has_private_broker
from hub.config import PRIVATE, Config, read_password
from hub.errors import ConfigError
from hub.gate import naming
from hub.listener import find_listener
from hub.wire.tls import Tls, list_expired, list_problems


def list_setting_problems(config: Config) -> list[str]:
    """Return a line for each problem of the sections that are not plugins'."""
    problems = []
    if config.mqtt.broker == PRIVATE and not has_private_broker():
        problems.append(HOW_TO_INSTALL)
    problems += _check_tls(config.mqtt.tls) if config.mqtt.tls else []
    problems += listener.list_problems() if (listener := find_listener(config)) else []
    problems += naming.list_problems(config.gates, config.plugins)
    try:
        read_password(config.mqtt)
    except ConfigError as error:
        problems += error.problems
    return problems


def _check_tls(tls: Tls) -> list[str]:
    return list_problems(tls) or [f"mqtt: {text}" for text in list_expired(tls, datetime.now(UTC))]
