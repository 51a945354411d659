"""The whole check: what is right, all that is wrong at once, and an agent that runs is left alone."""

from __future__ import annotations

import asyncio
import json
import socket

from typer.testing import CliRunner

from edge.cli import app
from edge.spool import Spool


def states(found):
    return [(part, state) for part, state, _ in found]


def wrong(found):
    return [text for _, state, text in found if state == "wrong"]


async def test_check_finds_all_right_with_a_broker_and_a_hub(look, small_hub):
    found = await look()

    assert states(found) == [
        ("camera", "ok"), ("model", "ok"), ("spool", "ok"), ("broker", "ok"), ("broker", "ok"),
        ("rules", "ok"), ("rules", "ok"), ("rules", "ok"), ("hub", "ok"), ("rules", "ok"),
    ]  # fmt: skip
    assert small_hub.records == []
    assert {topic.split("/")[3] for topic in small_hub.topics} == {"status", "gap", "events", "hello"}


async def test_check_leaves_no_files_behind(look, broker, tmp_path, impatient):
    before = set(tmp_path.rglob("*"))
    await look()

    assert {path for path in tmp_path.rglob("*") if "broker" not in path.parts} <= before


async def test_check_names_every_problem_at_once(look, tmp_path, free_port, impatient):
    (tmp_path / "file").write_text("not a folder")
    found = await look(
        camera={"source": "/dev/video99"},
        model={"path": tmp_path / "none"},
        broker={"url": f"mqtt://127.0.0.1:{free_port}"},
        agent={"spool": tmp_path / "file" / "spool.db"},
    )

    assert states(found) == [(part, "wrong") for part in ("camera", "model", "spool", "broker")]
    words = ("there is no such camera", "is this a model folder?", "cannot be made", "nobody listens")
    assert [part in text for text, part in zip(wrong(found), words, strict=True)] == [True] * 4


async def test_check_looks_at_each_of_several_cameras_with_its_model(
    look, picture_folder, tmp_path, free_port
):
    found = await look(
        camera=None,
        cameras=[
            {"name": "door", "source": str(picture_folder)},
            {"name": "yard", "source": "/dev/video99", "model": {"path": tmp_path / "none"}},
        ],
        broker={"url": f"mqtt://127.0.0.1:{free_port}"},
    )

    seen = [(state, text.partition(" ")[0]) for part, state, text in found if part in {"camera", "model"}]
    assert seen == [("ok", "door:"), ("ok", "door:"), ("wrong", "yard:"), ("wrong", "yard:")]


async def test_check_tries_the_device_that_the_model_is_to_run_on(look):
    found = await look(model={"device": "NPU.7"}, broker={"url": "mqtt://no-such-host.invalid"})

    assert "device NPU.7: OpenVINO finds none here" in wrong(found)[0]


async def test_check_says_that_the_display_has_no_port_and_no_fifo(look, tmp_path):
    (tmp_path / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        found = await look(
            display={"listen": f"127.0.0.1:{taken.getsockname()[1]}", "fifo": tmp_path / "file"},
            broker={"url": "mqtt://no-such-host.invalid"},
        )

    assert [text.rpartition(": ")[2] for text in wrong(found)[:2]] == [
        "Address already in use (set another)",
        "is no FIFO (remove it, or set another)",
    ]


async def test_check_makes_nothing_of_a_display_that_can_be_shown(look, tmp_path, free_port):
    found = await look(
        display={"listen": "127.0.0.1:0", "fifo": tmp_path / "results.mjpeg"},
        broker={"url": "mqtt://no-such-host.invalid"},
    )

    assert states(found).count(("display", "ok")) == 2
    assert not (tmp_path / "results.mjpeg").exists()


async def test_check_says_that_the_displays_token_is_too_short(look):
    found = await look(
        display={"listen": "0.0.0.0:0", "token": "short"}, broker={"url": "mqtt://no-such-host.invalid"}
    )

    assert "display.token: must be 16 to 200" in wrong(found)[0]


async def test_check_leaves_a_running_agent_its_camera_and_its_login(look, broker, tmp_path):
    with Spool.open(tmp_path / "spool.db"):
        found = await look()

    assert states(found) == [
        ("camera", "skipped"), ("model", "ok"), ("spool", "ok"), ("broker", "ok"), ("login", "skipped"),
    ]  # fmt: skip
    assert "a second login would push it off" in found[-1][2]


async def test_check_says_that_a_running_agent_gets_nothing_out(look, broker, tmp_path, monkeypatch):
    monkeypatch.setattr("edge.check.spool.LATE_S", -1)
    with Spool.open(tmp_path / "spool.db") as spool:
        spool.append(b"{}")
        found = await look()

    assert "the running agent has sent nothing since" in wrong(found)[0]


async def test_check_keeps_an_agent_from_starting_meanwhile_only(look, broker, tmp_path, impatient):
    Spool.open(tmp_path / "spool.db").close()
    await look()

    Spool.open(tmp_path / "spool.db").close()


async def test_check_says_that_a_password_travels_openly(look):
    found = await look(broker={"url": "mqtt://no-such-host.invalid", "username": "x", "password": "y"})

    assert ("broker", "note") in states(found)
    assert "the name no-such-host.invalid is not known" in wrong(found)[0]


def run(path, *options):
    return CliRunner().invoke(app, ["check", "--config", str(path), *options])


async def test_command_prints_json_and_exits_with_two_when_something_is_wrong(tmp_path, free_port):
    path = tmp_path / "agent.toml"
    path.write_text(
        f'[agent]\ndevice = "cam-1"\nspool = "{tmp_path}/spool.db"\n[camera]\nsource = "{tmp_path}/none"\n'
        f'[broker]\nurl = "mqtt://127.0.0.1:{free_port}"\n'
    )
    result = await asyncio.to_thread(run, path, "--json")
    found = json.loads(result.stdout)

    assert (result.exit_code, found["ok"]) == (2, False)
    assert {finding["part"] for finding in found["findings"] if finding["state"] == "wrong"} == {
        "camera", "broker",
    }  # fmt: skip


def test_command_prints_json_of_a_configuration_that_cannot_be_read(tmp_path):
    (tmp_path / "agent.toml").write_text("[agent]\ndevise = 'x'\n")
    result = run(tmp_path / "agent.toml", "--json")
    found = json.loads(result.stdout)

    assert (result.exit_code, found["ok"]) == (2, False)
    assert [finding["part"] for finding in found["findings"]] == ["configuration"] * 2


async def test_command_exits_with_zero_and_says_so_for_people(
    make_config, small_hub, tmp_path, picture_folder
):
    path = tmp_path / "agent.toml"
    path.write_text(
        f'[agent]\ndevice = "cam-1"\nspool = "{tmp_path}/spool.db"\nquota_bytes = 1048576\n'
        f'[camera]\nsource = "{picture_folder}"\n[broker]\nurl = "mqtt://127.0.0.1:{small_hub._port}"\n'
    )
    result = await asyncio.to_thread(run, path)

    assert result.exit_code == 0, result.output
    assert "ok      hub: answers in" in result.stdout


def test_command_prints_every_problem_of_the_configuration(tmp_path):
    (tmp_path / "agent.toml").write_text("[agent]\ndevise = 'x'\n[camera]\nevery = 0\n")
    result = run(tmp_path / "agent.toml")

    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 3)
