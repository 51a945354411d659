"""agent.toml: what it says, and what is said about a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import AgentConfig, find_broker, find_token, read_config
from edge.link import Broker
from hub.errors import ConfigError
from hub.wire.tls import Tls

GOOD = """
[agent]
device = "cam-1"
spool = "/var/lib/lenshub/spool.db"
quota_bytes = 2000000
[broker]
url = "mqtt://hub.local:2883"
username = "cam-1"
password = "secret-word"
[camera]
source = "0"
every = 3
passes = 0
pace = false
[model]
path = "/models/mine"
"""
WRONG = """
[agent]
device = "no spaces allowed"
quota_byte = 5
[broker]
url = "http://user:secret-word@hub"
password = "secret-word"
password_env = "X"
[camera]
every = 0
[modle]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "agent.toml"
    file.write_text(GOOD)
    return file


def test_config_is_read_when_all_is_set(path):
    config = read_config(path, {})
    assert (config.agent.device, config.camera.every, config.model.path) == ("cam-1", 3, Path("/models/mine"))
    assert find_broker(config.broker) == Broker("hub.local", 2883, "cam-1", "secret-word")


def test_config_takes_the_command_line_over_the_file(path):
    config = read_config(path, {"agent": {"device": "cam-2"}, "camera": {"passes": 4}})
    assert (config.agent.device, config.camera.passes, config.camera.every) == ("cam-2", 4, 3)


def test_config_speaks_tls_when_the_broker_is_mqtts(path, certificates):
    cert_file, key_file = certificates.issue("cam-1")
    table = f'''[agent]
device = "cam-1"
[broker]
url = "mqtts://x-ats.iot.eu-west-1.amazonaws.com:443"
ca = """{certificates.ca_file.read_text()}"""
cert_file = "{cert_file}"
key_file = "{key_file}"
alpn = "x-amzn-mqtt-ca"
'''
    path.write_text(table)
    found = find_broker(read_config(path, {}).broker)
    assert (found.port, found.tls.alpn, found.payload_limit) == (443, "x-amzn-mqtt-ca", 128 * 1024)
    assert found.tls.ca == certificates.ca_file.read_text()
    assert find_broker(
        read_config(None, {"agent": {"device": "x"}, "broker": {"url": "mqtts://h"}}).broker
    ) == (Broker("h", 8883, tls=Tls()))


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('alpn = "x"', "broker: alpn would do nothing: the address does not begin with mqtts://"),
        ('url = "mqtts://h"\ncert_file = "c"', "broker: cert_file and key_file belong together"),
        ('url = "mqtts://h"\nmax_payload_bytes = 1', "broker.max_payload_bytes: input should be"),
    ],
)
def test_config_is_refused_when_its_tls_does_not_fit_together(path, lines, problem):
    path.write_text(f'[agent]\ndevice = "cam-1"\n[broker]\n{lines}\n')
    with pytest.raises(ConfigError, match=problem):
        read_config(path, {})


def test_broker_is_not_found_when_a_certificate_is_missing(tmp_path):
    table = {"url": "mqtts://h", "ca_file": tmp_path / "ca.pem"}
    with pytest.raises(ConfigError, match=r"broker\.ca_file: .*ca\.pem cannot be read"):
        find_broker(read_config(None, {"agent": {"device": "x"}, "broker": table}).broker)


def test_config_needs_only_a_device():
    config = read_config(None, {"agent": {"device": "cam-1"}})
    assert find_broker(config.broker) == Broker("127.0.0.1", 1883)


@pytest.mark.parametrize("protocol", ["auto", "5", "3.1.1"])
def test_config_names_the_version_of_mqtt(protocol):
    config = read_config(None, {"agent": {"device": "cam-1"}, "broker": {"protocol": protocol}})
    assert find_broker(config.broker).protocol == protocol


@pytest.mark.parametrize("protocol", ["3.1", 5, "MQTT"])
def test_config_is_refused_when_it_names_another_version_of_mqtt(protocol):
    with pytest.raises(ConfigError, match=r"broker\.protocol: .*'auto', '5' or '3\.1\.1'"):
        read_config(None, {"agent": {"device": "cam-1"}, "broker": {"protocol": protocol}})


def test_config_reports_every_problem_with_its_place_when_it_is_wrong(path):
    path.write_text(WRONG)
    with pytest.raises(ConfigError) as caught:
        read_config(path, {})
    assert [problem.split(": ")[:2] for problem in caught.value.problems] == [
        [str(path), "agent.device"],
        [str(path), "agent.quota_byte"],
        [str(path), "broker.url"],
        [str(path), "camera.every"],
        [str(path), "modle"],
    ]
    assert "did you mean 'model'?" in caught.value.problems[-1]


def test_config_never_tells_the_password(path):
    path.write_text(WRONG)
    with pytest.raises(ConfigError) as caught:
        read_config(path, {})
    path.write_text(GOOD)
    config = read_config(path, {})
    told = f"{caught.value!r} {caught.value} {config!r} {find_broker(config.broker)!r}"
    assert "secret-word" not in told


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hub",
        "ssl://hub",
        "mqtts://",
        "mqtt://",
        "mqtt://hub:0",
        "mqtt://hub:99999",
        "mqtt://u:p@hub",
        "mqtt://h/x",
    ],
)
def test_config_is_refused_when_the_broker_is_no_mqtt_url(url):
    with pytest.raises(ConfigError, match=r"broker\.url: "):
        read_config(None, {"agent": {"device": "cam-1"}, "broker": {"url": url}})


@pytest.mark.parametrize(
    ("broker", "problem"),
    [
        ({"password": "x"}, "password needs a username"),
        ({"username": "u", "password": "x", "password_file": "y"}, "only one of password and password_file"),
    ],
)
def test_config_is_refused_when_the_password_is_unclear(broker, problem):
    with pytest.raises(ConfigError, match=problem):
        read_config(None, {"agent": {"device": "cam-1"}, "broker": broker})


def broker_table(**values: object) -> AgentConfig:
    return read_config(None, {"agent": {"device": "cam-1"}, "broker": {"username": "u", **values}})


def test_password_is_found_when_it_is_kept_in_a_variable(monkeypatch):
    monkeypatch.setenv("LENSHUB_TEST_PASSWORD", "secret-word")
    assert find_broker(broker_table(password_env="LENSHUB_TEST_PASSWORD").broker).password == "secret-word"


def test_password_is_found_when_it_is_kept_in_a_file(tmp_path):
    (tmp_path / "password").write_text("secret-word\n")
    assert find_broker(broker_table(password_file=tmp_path / "password").broker).password == "secret-word"


@pytest.mark.parametrize("kept", [{"password_env": "LENSHUB_NOT_SET"}, {"password_file": "/not/there"}])
def test_password_is_missed_in_one_line_when_it_is_not_where_it_should_be(kept):
    with pytest.raises(ConfigError, match=next(iter(kept))):
        find_broker(broker_table(**kept).broker)


@pytest.mark.parametrize("content", [None, b"[agent", b"\xff", b"agent = 5"])
def test_config_is_refused_when_the_file_cannot_be_read(tmp_path, content):
    if content is not None:
        (tmp_path / "agent.toml").write_bytes(content)
    with pytest.raises(ConfigError, match=r"agent\.toml: "):
        read_config(tmp_path / "agent.toml", {"agent": {"device": "cam-1"}})


def read_display(**values: object) -> AgentConfig:
    return read_config(None, {"agent": {"device": "cam-1"}, "display": values})


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "localhost:8710", "[::1]:8710"])
def test_display_needs_no_token_on_the_loopback(listen):
    assert read_display(listen=listen).display.address[1] in {0, 8710}


@pytest.mark.parametrize("listen", ["0.0.0.0:8710", "[::]:8710", "camera.local:8710", "192.168.1.7:8710"])
def test_display_needs_a_token_beyond_the_loopback(listen):
    with pytest.raises(ConfigError, match="a token is needed"):
        read_display(listen=listen)
    assert read_display(listen=listen, token="x" * 16).display.listen == listen


@pytest.mark.parametrize(
    "listen", ["", "8710", "127.0.0.1", "http://127.0.0.1:1", "h:99999", "u@h:1", "[::1"]
)
def test_display_is_refused_when_its_address_is_none(listen):
    with pytest.raises(ConfigError, match=r"display\.listen: "):
        read_display(listen=listen)


def test_token_is_found_when_it_is_kept_in_a_file(tmp_path):
    (tmp_path / "token").write_text("secret-word-of-16\n")
    assert find_token(read_display(token_file=tmp_path / "token").display) == "secret-word-of-16"


@pytest.mark.parametrize("token", ["short", "with spaces in between", "x" * 201])
def test_token_is_refused_without_telling_it_when_it_is_weak_or_no_cookie(token):
    with pytest.raises(ConfigError, match="must be 16 to 200") as caught:
        find_token(read_display(token=token).display)
    assert token not in str(caught.value)


def test_config_does_not_show_the_password_in_a_streams_address():
    config = read_config(None, {"agent": {"device": "c"}, "camera": {"source": "rtsp://u:secret-word@h/1"}})
    assert "secret-word" not in repr(config)


CAMERAS = """
[agent]
device = "cam-1"
[model]
threads = 1
[capture]
min_interval_s = 5
[[cameras]]
name = "door"
source = "rtsp://u:secret-word@cam.local/1"
[[cameras]]
name = "yard"
source = "0"
every = 2
model = { path = "models/cups", device = "GPU" }
capture = { new_object = true }
"""


def test_cameras_have_settings_of_their_own_before_those_of_all(path):
    path.write_text(CAMERAS)
    config = read_config(path, {"model": {"path": Path("models/all")}})
    door, yard = config.split()
    assert config.names == ("door", "yard")
    assert (door.model, door.capture.min_interval_s) == (config.model, 5)
    assert (door.model.path, door.model.threads) == (Path("models/all"), 1)
    assert (yard.camera.name, yard.camera.every, yard.model.device) == ("yard", 2, "GPU")
    assert (yard.model.path, yard.capture.new_object) == (Path("models/cups"), True)
    assert "secret-word" not in repr(config)


def test_camera_needs_no_name_when_it_is_the_only_one(path):
    config = read_config(path, {})
    assert (config.names, config.split()) == (("",), (config,))


@pytest.mark.parametrize(
    ("cameras", "problem"),
    [
        ("[[cameras]]\nsource = '0'", r"cameras\.0\.name: is missing"),
        ("[[cameras]]\nname = 'a b'", r"cameras\.0\.name: "),
        ("[[cameras]]\nname = 'a'\n[[cameras]]\nname = 'a'", "cameras: several are named a"),
        (
            "[[cameras]]\nname = 'a'\neach = 1",
            r"cameras\.0\.each: unknown field \(known: capture, every, mod",
        ),
        ("[[cameras]]\nname = 'a'\nmodel = { pat = 'x' }", r"cameras\.0\.model\.pat: unknown .*'path'"),
        (
            "[[cameras]]\nname = 'a'\n[camera]\nsource = '0'",
            r"camera: cannot be set .* beside \[\[cameras\]\]",
        ),
        ("[[cameras]]\nname = 'a'\n[display]\nfifo_camera = 'b'", r"fifo_camera: there .* \(known: a\)"),
        ("[model]\nthreads = 0", r"model\.threads: "),
        ("[model]\ndevice = 'cpu'", r"model\.device: must be CPU, GPU, NPU or AUTO"),
    ],
)
def test_config_is_refused_when_its_cameras_or_models_are_unclear(path, cameras, problem):
    path.write_text(f"[agent]\ndevice = 'cam-1'\n{cameras}\n")
    with pytest.raises(ConfigError, match=problem):
        read_config(path, {})


def test_config_is_refused_when_a_source_is_given_beside_several_cameras(path):
    path.write_text(CAMERAS)
    with pytest.raises(ConfigError, match=r"camera: cannot be set \(by --source either\)"):
        read_config(path, {"camera": {"source": "0"}})


@pytest.mark.parametrize(
    "source",
    [
        "rtsp://u:secret/word@h/1",
        "rtsp://u:12/word@h/1",
        "rtsp://u:12#word@h",
        "rtsp://u:12?word@h",
        "rtsp://u:12@word/12@h/1",
        "http://[::1/v",
        "rtsp:///1",
        "rtsp://h:99999/1",
    ],
)
def test_camera_is_refused_without_telling_its_address_when_that_is_unclear(source):
    with pytest.raises(ConfigError, match=r"camera\.source: is no URL") as caught:
        read_config(None, {"agent": {"device": "c"}, "camera": {"source": source}})
    assert "word" not in str(caught.value).replace("password", "")


def test_config_says_in_words_what_a_name_and_a_path_must_be(path):
    path.write_text("[agent]\ndevice = '../etc'\nspool = 3\n")
    with pytest.raises(ConfigError) as caught:
        read_config(path, {})
    words = ("must be 1 to 64 of A-Z a-z 0-9 . _ -", "must be a path, in quotes")
    assert [word in problem for word, problem in zip(words, caught.value.problems, strict=True)] == [True] * 2
