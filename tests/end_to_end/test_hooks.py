"""Plugins that bring messages and decode them, in a running hub; nobody waits for a failing one."""

from __future__ import annotations

import pytest

BIRDHOUSE = """
import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from pydantic import BaseModel
from hub.event import Detection, NewEvent
from hub.plugin import Decoded, Message, hookimpl

class Journal:
    name = "journal"

    def __init__(self, path):
        self.path = path
        self.taken = path.with_suffix(".taken")

    async def messages(self):
        number = int(self.taken.read_text()) if self.taken.exists() else 0
        while True:
            for line in self.path.read_text().splitlines()[number:]:
                if line == "broken":
                    raise ConnectionError("the journal is torn")
                number += 1
                yield Message("journal", f"journal/{number}", line.encode(), datetime.now(UTC))
            await asyncio.sleep(0.01)

    async def acknowledge(self, message):
        partial = self.taken.with_suffix(".partial")  # killed amid it, the hub would find an empty file
        partial.write_text(message.topic.removeprefix("journal/"))
        partial.replace(self.taken)

class Plugin:
    class Settings(BaseModel):
        journal: Path | None = None

    def __init__(self, settings, context):
        self.journal = settings.journal
        self.read = 0

    @hookimpl
    def sources(self):
        return [Journal(self.journal)] if self.journal else []

    @hookimpl
    def decode(self, message):
        self.read += 1
        species = message.payload.decode()
        if species == "penguin":
            raise ValueError("no penguins here")
        seen = Detection(label=species, confidence=1)
        place = message.topic.split("/")[1]
        key = f"journal:{place}" if message.source == "journal" else None
        event = NewEvent(source="birds", device="nest" if key else place, key=key,
                         captured_at=message.received_at, detections=[seen])
        return Decoded(events=(event,))

    @hookimpl
    def status(self):
        return f"{self.read} birds read"
"""
TOPICS = '[mqtt.topics]\n"birds/+/seen" = "birdhouse"\n"lenshub/v1/+/events/+/+" = "edge"\n'


@pytest.fixture
def birdhouse(hub):
    hub.install("birdhouse", BIRDHOUSE)
    journal = hub.folder / "journal"
    journal.write_text("")
    hub.configure(f'[plugins.birdhouse]\njournal = "{journal}"\n', TOPICS)
    return journal


def facts(hub):
    (found,) = hub.json("plugins")
    return found


async def test_decoder_of_a_plugin_reads_a_topic_and_its_failures_stop_nobody(
    hub, birdhouse, device, wait_until
):
    assert "birdhouse" in hub.cli("check")
    hub.start()
    async with device("porch") as sender:
        for species in (b"robin", b"penguin", b"wren"):
            sender.connection.publish_soon("birds/porch/seen", species)
        await sender.acked(sender.record())
        await wait_until(lambda: hub.count() == 3)
        # It is told once a second, perhaps before the last one was read.
        failed = "1 of 3 messages failed, last: ValueError: no penguins here"
        await wait_until(lambda: facts(hub)["parts"].get("decode", {}).get("text") == failed)

    assert hub.sql("SELECT label FROM detections ORDER BY event_id") == [
        ("robin",),
        ("wren",),
        ("thumbs-up",),
    ]
    assert hub.sql("SELECT code, payload FROM quarantine") == [("decoder_failed", b"penguin")]
    assert not facts(hub)["parts"]["decode"]["well"]
    assert f"decode: {failed}" in hub.cli("plugins")
    assert hub.stop() == 0


async def test_source_of_a_plugin_is_stored_once_through_kills_and_named_while_it_fails(
    hub, birdhouse, device, wait_until
):
    lines = [f"robin-{number}" for number in range(300)]
    for start in range(0, 300, 100):
        with birdhouse.open("a") as journal:
            journal.write("\n".join(lines[start : start + 100]) + "\n")
        hub.start()
        await wait_until(lambda start=start: hub.count() > start + 20)
        hub.kill()
    with birdhouse.open("a") as journal:
        journal.write("broken\n")
    hub.start()
    await wait_until(lambda: hub.count() == 300)
    await wait_until(lambda: not facts(hub)["parts"].get("source journal", {"well": True})["well"])
    async with device("porch") as sender:
        await sender.acked(sender.record())  # a failing source delays nobody

    assert [label for (label,) in hub.sql("SELECT label FROM detections ORDER BY event_id")][:300] == lines
    assert hub.count("quarantine") == 0
    assert "ConnectionError: the journal is torn" in hub.cli("plugins")
    assert hub.stop() == 0


async def test_messages_whose_plugin_cannot_run_are_kept_in_quarantine(hub, device, wait_until):
    hub.configure("[plugins.birdhouse]\n", TOPICS)  # it is not installed
    hub.start()
    async with device("porch") as sender:
        sender.connection.publish_soon("birds/porch/seen", b"robin")
        await wait_until(lambda: hub.count("quarantine") == 1)

    assert hub.sql("SELECT code, payload FROM quarantine") == [("no_decoder", b"robin")]


def test_topic_tied_to_a_plugin_without_decode_is_a_problem(hub):
    hub.configure("[plugins.tweet]\n", '[mqtt.topics]\n"birds/+/seen" = "tweet"\n')

    assert "mqtt.topics.birds/+/seen: plugin 'tweet' has no decode" in hub.cli("check", code=2)
