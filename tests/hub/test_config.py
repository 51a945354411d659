"""hub.toml: what it holds, every problem at once with its place, and no secrets in any text."""

from __future__ import annotations

from pathlib import Path

import pytest

from hub.config import Config, MqttSettings, read_config, read_password
from hub.errors import ConfigError
from hub.loading import Broken
from hub.program import load_plugins
from hub.wire.tls import Tls

SHIPPED = Path(__file__).parents[2] / "hub.toml"


@pytest.fixture
def write(tmp_path):
    def write_toml(text):
        path = tmp_path / "hub.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_toml


NO_NAME = "an instance's name begins with a letter or digit; then may come -, _, . and spaces"


def problems_of(path):
    with pytest.raises(ConfigError) as raised:
        read_config(path)
    return [problem.removeprefix(f"{path}: ") for problem in raised.value.problems]


@pytest.mark.parametrize("section", ["mqtt", "limits", "deeplens"])
def test_shipped_configuration_holds_the_defaults(section):
    assert getattr(read_config(SHIPPED), section) == getattr(Config(), section)


def test_shipped_configuration_keeps_its_data_beside_itself():
    assert read_config(SHIPPED).hub.data_dir == SHIPPED.parent / Config().hub.data_dir


def test_shipped_plugin_tables_all_load():
    config = read_config(SHIPPED)
    found = load_plugins(config.plugins, config.hub.data_dir)

    assert [plugin for plugin in found if isinstance(plugin, Broken)] == []
    assert [p.instance.name for p in found] == ["s3-archive", "retraining", "threshold-alerts", "tweet"]


def test_configuration_is_the_defaults_without_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert read_config(None).mqtt == Config().mqtt
    assert read_config(None).hub.data_dir == tmp_path / "lenshub-data"


def test_configuration_names_every_problem_with_its_place(write):
    path = write(
        '[hub]\ndatadir = "x"\n[mqtt]\nport = 0\nbroker = "http://x"\nknown_devices = ["a b"]\n'
        '[mqtt.topics]\n"a/#/b" = "edge"\n"ok" = "tasmota"\n[limits]\nmax_depth = "deep"\n'
        '[deeplens]\ntimezone = "Mars"\n[colour]\n'
    )
    found = problems_of(path)

    assert [problem.split(":")[0] for problem in found] == [
        "hub.datadir", "mqtt.broker", "mqtt.port", "mqtt.known_devices.0",
        "mqtt.topics.a/#/b.[key]", "mqtt.topics.ok", "limits.max_depth", "deeplens.timezone", "colour",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[hub]\ndatadir = "x"',
            "hub.datadir: unknown setting 'datadir' (did you mean 'data_dir'? known: data_dir)",
        ),
        (
            "[mtqq]",
            (
                "mtqq: unknown setting 'mtqq' "
                "(known: deeplens, frigate, gates, http, hub, limits, mqtt, plugins, review, watchdog)"
            ),
        ),
        (
            '[hub]\ndata_dir = "a\\u0000b"',
            "hub.data_dir: is no path: it has signs that cannot be printed, or more than 1000",
        ),
        ('[plugins."../../x"]', "plugins.../../x.[key]: " + NO_NAME),
        ('[plugins."m\\u202egpj"]', "plugins.m\u202egpj.[key]: " + NO_NAME),
        (f"a = {'[' * 20_000}", "is not TOML that can be read: tables or lists too deep in each other"),
        (f"[mqtt]\nport = {'9' * 5000}", "is not TOML that can be read: a number is too long"),
        (
            f"[mqtt]\nport = {'9' * 4000}",
            "mqtt.port: Input should be less than or equal to 65535, found a number",
        ),
        ("[mqtt]\nport = 70000", "mqtt.port: Input should be less than or equal to 65535, found 70000"),
        (
            '[mqtt]\nbroker = "ssl://x"',
            'mqtt.broker: must be "private" or like mqtt://host:1883, or mqtts://host:8883 for TLS',
        ),
        ('[mqtt]\nlisten = "0.0.0.0"', "mqtt.listen: must be an IP address and a port, such as 0.0.0.0:8883"),
        ('[mqtt]\nlisten = "h:88"', "mqtt.listen: must be an IP address and a port, such as 0.0.0.0:8883"),
        (
            '[mqtt]\nbroker = "mqtt://h"\nlisten = "0.0.0.0:8883"',
            "mqtt: listen is for the private broker; a broker of yours listens by itself",
        ),
        (
            '[mqtt]\nlisten = "0.0.0.0:18883"',
            "mqtt: listen needs another port than port, which is the hub's own on the loopback",
        ),
        ('[mqtt]\nlisten_names = ["h"]', "mqtt: listen_names would do nothing without listen"),
        (
            '[mqtt]\nlisten = "[::]:8883"\nlisten_names = ["a b"]',
            "mqtt.listen_names.0: must be a host's name, such as hub.local, or an IP address",
        ),
        (
            '[mqtt]\nlisten = "[::]:8883"\nlisten_key_file = "k"',
            "mqtt: listen_cert_file and listen_key_file belong together: set both or none",
        ),
        (
            '[mqtt]\nlisten = "[::]:8883"\nlisten_ca_file = "k"',
            "mqtt: listen_ca_file is the authority of listen_cert_file, which is not set",
        ),
        (
            '[mqtt]\nbroker = "mqtt://h"\nca_file = "ca.pem"',
            "mqtt: ca_file would do nothing: the address does not begin with mqtts://",
        ),
        (
            '[mqtt]\npassword_env = "A"\npassword_file = "b"',
            "mqtt: set password_env or password_file, not both",
        ),
        (
            '[mqtt.topics]\nx = "tasmota"',
            "mqtt.topics.x: unknown decoder 'tasmota' (known: cloudevents, deeplens, edge, frigate)",
        ),
        (
            "[limits]\nmax_depth = 1000",
            "limits.max_depth: Input should be less than or equal to 100, found 1000",
        ),
    ],
)
def test_configuration_says_what_was_found_and_what_is_known(write, text, problem):
    assert problems_of(write(text)) == [problem]


def test_configuration_ties_a_topic_to_a_plugin_of_the_file(write):
    path = write('[mqtt.topics]\n"birds/+/seen" = "birdhouse"\n[plugins.birdhouse]\n')
    assert read_config(path).mqtt.topics == {"birds/+/seen": "birdhouse"}

    (problem,) = problems_of(write('[mqtt.topics]\n"a/+" = "bird"\n[plugins.birdhouse]\n'))
    assert (
        problem
        == "mqtt.topics.a/+: unknown decoder 'bird' (known: cloudevents, deeplens, edge, frigate, birdhouse)"
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"[hub", "is not TOML: "), (b"\xff", "is not UTF-8 text (byte 0)")],
)
def test_configuration_that_cannot_be_parsed_says_so(tmp_path, content, problem):
    path = tmp_path / "hub.toml"
    path.write_bytes(content)

    assert problems_of(path)[0].startswith(problem)


def test_configuration_that_cannot_be_read_says_so(tmp_path):
    assert problems_of(tmp_path / "none.toml") == ["cannot be read: No such file or directory"]


@pytest.mark.parametrize(
    "text",
    [
        '[mqtt]\nbroker = "mqtt://me:hunter2@host"',
        '[mqtt]\npassword = "hunter2"',
        '[mqtt]\nbroker = 7\npassword_env = ["hunter2"]',
    ],
)
def test_configuration_never_shows_a_secret(write, text):
    with pytest.raises(ConfigError) as raised:
        read_config(write(text))

    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("broker", "address"),
    [
        ("private", ("127.0.0.1", 18883)),
        ("mqtt://h", ("h", 1883)),
        ("mqtt://h:9", ("h", 9)),
        ("mqtts://h", ("h", 8883)),
    ],
)
def test_configuration_knows_the_address_of_the_broker(broker, address):
    assert Config.model_validate({"mqtt": {"broker": broker}}).mqtt.address() == address


def test_password_comes_from_the_environment(write, monkeypatch):
    config = read_config(write('[mqtt]\npassword_env = "HUB_PASSWORD"'))
    monkeypatch.setenv("HUB_PASSWORD", "hunter2")

    assert read_password(config.mqtt) == "hunter2"
    assert "hunter2" not in repr(config)


def test_password_comes_from_a_file_beside_the_configuration(write, tmp_path):
    (tmp_path / "secret").write_text("hunter2\n")

    assert read_password(read_config(write('[mqtt]\npassword_file = "secret"')).mqtt) == "hunter2"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[mqtt]\npassword_env = "NOT_SET"',
            "mqtt.password_env: the environment variable NOT_SET is not set",
        ),
        ('[mqtt]\npassword_file = "none"', "mqtt.password_file: cannot read "),
    ],
)
def test_password_that_cannot_be_found_says_so(write, text, problem):
    with pytest.raises(ConfigError) as raised:
        read_password(read_config(write(text)).mqtt)

    assert str(raised.value).startswith(problem)


def test_configuration_speaks_tls_to_a_broker_of_yours_with_files_beside_it(write, tmp_path):
    text = '[mqtt]\nbroker = "mqtts://h"\nca_file = "ca"\ncert_file = "c"\nkey_file = "k"\nalpn = "x"'

    assert read_config(write(text)).mqtt.tls == Tls(
        tmp_path / "ca", None, tmp_path / "c", tmp_path / "k", "x", "mqtt"
    )
    assert read_config(write('[mqtt]\nbroker = "mqtt://h"')).mqtt.tls is None


def test_configuration_knows_where_the_private_broker_listens(write):
    assert read_config(write('[mqtt]\nlisten = "[::1]:443"')).mqtt.listen_address == ("::1", 443)
    assert read_config(write("")).mqtt.listen_address is None


def test_shipped_configuration_explains_every_setting_of_the_broker():
    text = SHIPPED.read_text(encoding="utf-8")
    named = {line.lstrip("# ").split(" = ")[0] for line in text.splitlines() if " = " in line}

    assert set(MqttSettings.model_fields) - {"topics"} <= named
    assert "[mqtt.topics]" in text


def test_shipped_configuration_loads_with_its_commented_settings(write):
    text = SHIPPED.read_text(encoding="utf-8")
    for name in ("listen", "listen_names", "listen_cert_file", "listen_key_file", "listen_ca_file"):
        text = text.replace(f"# {name} = ", f"{name} = ")

    assert read_config(write(text)).mqtt.listen_address == ("0.0.0.0", 8883)  # noqa: S104 - not bound
