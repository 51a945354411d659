"""Where there is no Mosquitto: hub with amqtt, and the real agent; what is spooled is stored all the same."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import edge.demo

CLIP = Path(edge.demo.__file__).with_name("thumbs.webm")
AGENT = """\
[agent]
device = "porch"
spool = "{folder}/spool.db"
[broker]
url = "mqtt://127.0.0.1:{port}"
username = "porch"
password = "{password}"
[camera]
source = "{clip}"
"""
DONE = "SELECT outcome, count(*) FROM deliveries GROUP BY outcome"
ARCHIVE = '[plugins.s3-archive]\nfolder = "archive"\n'


@pytest.fixture
def start_agent(hub_without_mosquitto):
    """A function that starts the agent with further options; it ends once all is with the hub."""
    hub, started = hub_without_mosquitto, []

    def start(*options):
        config = hub.folder / "agent.toml"
        password = hub.add_device("porch")
        config.write_text(AGENT.format(folder=hub.folder, port=hub.port, password=password, clip=CLIP))
        command = [sys.executable, "-c", "from edge.cli import app; app()", "run", "--config", str(config)]
        options = ("--until-sent", "--json", *options)
        with (hub.folder / "agent.log").open("ab") as log:
            started.append(subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def counts(process):
    said, _ = process.communicate(timeout=200)
    assert process.returncode == 0
    return json.loads(said)


def topics(hub):
    found = hub.sql("SELECT m.topic FROM events e JOIN messages m ON m.id = e.message_id ORDER BY e.id")
    return [topic.rsplit("/", 1)[1] for (topic,) in found]


async def test_hub_without_mosquitto_stores_and_delivers_what_an_agent_sees(
    hub_without_mosquitto, start_agent, wait_until
):
    hub = hub_without_mosquitto
    hub.configure(ARCHIVE, mqtt="mqtt5 = true")
    hub.start()
    spooled = counts(start_agent("--no-pace"))["events"]
    await wait_until(lambda: hub.sql(DONE) == [("done", spooled)])

    assert hub.stop() == 0
    assert topics(hub) == [str(seq) for seq in range(1, spooled + 1)]
    assert len(list((hub.folder / "data" / "archive").rglob("*.jpg"))) >= spooled
    assert hub.log().count("broker.embedded mosquitto is not installed") == 1
    assert "Traceback" not in hub.log()
    assert "speaks MQTT 3.1.1" in (hub.folder / "agent.log").read_text()


async def test_hub_without_mosquitto_loses_and_repeats_nothing_when_it_is_killed_and_started_again(
    hub_without_mosquitto, start_agent, wait_until
):
    hub = hub_without_mosquitto
    hub.start()
    agent = start_agent("--passes", "2")
    for events in (5, 30):
        await wait_until(lambda: hub.count() > events)  # noqa: B023 - waited for here
        hub.kill()
        hub.start()
    spooled = counts(agent)["events"]

    assert topics(hub) == [str(seq) for seq in range(1, spooled + 1)]
    assert hub.count("quarantine") == hub.count("gaps") == 0


def test_check_is_content_without_mosquitto(hub_without_mosquitto, monkeypatch):
    monkeypatch.setattr("hub.broker.SBIN", "")
    monkeypatch.setenv("PATH", str(hub_without_mosquitto.site))

    assert "all right" in hub_without_mosquitto.cli("check")


async def test_hub_without_mosquitto_stores_what_amqtt_forgets_when_a_commit_takes_longer_than_it_waits(
    hub_without_mosquitto, start_agent, wait_until
):
    hub = hub_without_mosquitto
    hub.start()
    lock = sqlite3.connect(hub.folder / "data" / "hub.sqlite", isolation_level=None, timeout=60)
    agent = start_agent("--no-pace")
    await wait_until(lambda: hub.count() > 5)
    lock.execute("BEGIN IMMEDIATE")  # the hub can receive, but not commit
    await wait_until(lambda: "broker.says Timeout waiting for PUBACK" in hub.log())
    lock.rollback()
    lock.close()
    spooled = counts(agent)["events"]

    assert topics(hub) == [str(seq) for seq in range(1, spooled + 1)]
    assert hub.log().count("broker.says Timeout waiting for PUBACK") == 1
