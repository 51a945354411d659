"""Commands to a real hub: executed once and answered, whatever is killed, and without a hub as well."""

from __future__ import annotations

import asyncio
import signal
import time

import pytest

from hub.store.commands import ask

NOTES = """
from pathlib import Path
from pydantic import BaseModel
from hub.plugin import hookimpl

class Plugin:
    class Settings(BaseModel):
        path: Path
        word: str = ""

    def __init__(self, settings, context):
        self.settings = settings

    async def __aenter__(self):
        with self.settings.path.with_suffix(".starts").open("a") as file:
            file.write("s")

    async def __aexit__(self, *error):
        pass

    @hookimpl
    async def deliver(self, event):
        if (self.settings.path.parent / "down").exists():
            raise ConnectionError("down")
        with self.settings.path.open("a") as file:
            file.write(f"{event.id}{self.settings.word}\\n")
"""


def table(hub, name, more=""):
    return f'[plugins.{name}]\nuse = "notes"\npath = "{hub.folder / name}"\n{more}\n'


def receipts(hub, name):
    path = hub.folder / name
    return path.read_text().split() if path.exists() else []


async def in_thread(work, *arguments, **options):
    return await asyncio.to_thread(lambda: work(*arguments, **options))


async def test_paused_plugin_gets_nothing_until_it_is_resumed_even_over_a_restart(hub, device, wait_until):
    hub.install("notes", NOTES)
    hub.configure(table(hub, "held") + table(hub, "free"))
    hub.start()
    async with device("porch") as sender:
        assert "held is paused; its events wait" in await in_thread(
            hub.cli, "pause", "held", "--reason", "rest"
        )
        await sender.acked(sender.record())
        await wait_until(lambda: receipts(hub, "free") == ["1"])
    held = next(p for p in hub.json("plugins") if p["plugin"] == "held")
    (told,) = (d for d in hub.json("explain", "1")["deliveries"] if d["plugin"] == "held")
    assert (held["state"], held["reason"], held["behind"]) == ("paused", "rest", 1)
    assert (told["outcome"], told["reason"]) == ("waiting", "it is paused: rest")
    assert hub.stop() == 0
    hub.start()
    assert receipts(hub, "held") == []

    hub.cli("resume", "held")
    await wait_until(lambda: receipts(hub, "held") == ["1"])
    assert "held was not paused" in hub.cli("resume", "held")
    assert "there is no plugin instance 'no' (known: free, held)" in hub.cli("pause", "no", code=1)


async def test_command_is_executed_without_a_hub(hub, device, wait_until, caplog):
    hub.install("notes", NOTES)
    hub.configure(table(hub, "held"))
    hub.start()
    password = hub.add_device("porch")
    assert hub.stop() == 0
    assert "held is paused" in hub.cli("pause", "held")
    assert hub.json("plugins")[0]["state"] == "paused"
    assert hub.cli("reload", code=1) == "no hub is running: hub.toml is read when it starts\n"
    assert "command.refused" not in caplog.text  # where nothing is set up, Python prints warnings

    hub.start()
    async with device("porch", password) as sender:
        await sender.acked(sender.record())
    assert receipts(hub, "held") == []


@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("pause", "inbox"), "paused"),
        (("resume", "inbox"), "resumed"),
        (("retry", "inbox"), "tried again"),
        (("replay", "inbox", "--from", "1"), "replayed"),
        (("replay", "inbox", "--from", "1", "--dry-run"), "replayed"),
        (("snooze", "inbox", "--for", "2h"), "snoozed"),
        (("match", "try", "inbox"), "matched"),
    ],
)
def test_instance_that_delivers_nothing_says_so(idle, command, what):
    assert f"inbox delivers nothing; it cannot be {what}\n" in idle.cli(*command, code=1)


@pytest.fixture
async def idle(hub, wait_until):
    """A hub that ran, with an inbox only."""
    hub.configure("[plugins.inbox]\n")
    hub.start()
    await wait_until(lambda: hub.json("plugins")[0]["state"] == "running")
    assert hub.stop() == 0
    return hub


async def test_dead_delivery_is_tried_again_at_once(hub, device, wait_until):
    hub.install("notes", NOTES)
    hub.configure(table(hub, "p", "attempts = 1"))
    (hub.folder / "down").touch()
    hub.start()
    async with device("porch") as sender:
        await sender.acked(sender.record())
        await wait_until(lambda: hub.sql("SELECT outcome FROM deliveries") == [("dead",)])
        (hub.folder / "down").unlink()
        assert "p: 1 delivery is tried again now" in await in_thread(hub.cli, "retry", "p", "--event", "1")
        await wait_until(lambda: receipts(hub, "p") == ["1"])
    await wait_until(lambda: hub.sql("SELECT outcome FROM deliveries") == [("done",)])
    assert "event 1 for p is done, not dead or retrying" in hub.cli("retry", "p", "--event", "1", code=1)


async def test_command_is_executed_once_and_answered_when_the_hub_is_killed_meanwhile(hub, wait_until):
    hub.install("notes", NOTES)
    hub.configure(table(hub, "p"))
    hub.start()
    for number in range(6):
        asked = ask(hub.folder / "data", "pause" if number % 2 == 0 else "resume", {"plugin": "p"})
        deadline = time.monotonic() + 0.05 * number  # at another moment of its execution each time
        while time.monotonic() < deadline:
            pass
        hub.kill()
        hub.start()
        answered = "SELECT COUNT(*) FROM commands WHERE id = ? AND ok"
        await wait_until(lambda n=asked, q=answered: hub.sql(q, n) == [(1,)])

    told = [answer for (answer,) in hub.sql("SELECT answer FROM commands ORDER BY id")]
    assert told == ['["p is paused; its events wait"]', '["p goes on where it stood"]'] * 3
    assert hub.sql("SELECT COUNT(*) FROM pauses") == [(0,)]


async def test_reload_changes_what_changed_and_loses_and_repeats_nothing(hub, device, wait_until):
    hub.install("notes", NOTES)
    hub.configure(table(hub, "same") + table(hub, "other") + table(hub, "gone"))
    hub.start()
    async with device("porch") as sender:
        sending = asyncio.create_task(stream(sender, enough := asyncio.Event()))
        await wait_until(lambda: len(receipts(hub, "other")) > 100)
        hub.configure(
            table(hub, "same") + table(hub, "other", 'word = "!"\nconcurrency = 2') + table(hub, "new")
        )
        said = await in_thread(hub.cli, "reload")
        for turn, way in enumerate(("?", ""), 1):
            before = len(receipts(hub, "other"))
            await wait_until(lambda n=before: len(receipts(hub, "other")) > n + 100)
            hub.configure(table(hub, "same") + table(hub, "other", f'word = "{way}"') + table(hub, "new"))
            hub.process.send_signal(signal.SIGHUP)
            await wait_until(lambda n=turn: hub.log().count("hub.reloaded plugins.other: changed, runs") == n)
        enough.set()
        sent = await sending
    stored = [str(number) for (number,) in hub.sql("SELECT id FROM events ORDER BY id")]
    everywhere = "SELECT COUNT(*) FROM cursors WHERE position = ?"
    await wait_until(lambda: hub.sql(everywhere, sent) == [(3,)])

    assert "plugins.gone: gone; its cursor is kept" in said
    assert "plugins.new: added, runs" in said
    assert "plugins.other: changed, runs" in said
    assert "same" not in said
    assert sorted(receipts(hub, "same"), key=int) == stored
    assert sorted((word.strip("!?") for word in receipts(hub, "other")), key=int) == stored
    assert (hub.folder / "same.starts").read_text() == "s"
    assert (hub.folder / "other.starts").read_text() == "ssss"


async def test_reload_of_a_plugin_in_a_process_of_its_own_loses_and_repeats_nothing(hub, device, wait_until):
    isolated = 'isolation = "process"\nattempts = 1\n'
    hub.install("notes", NOTES)
    hub.configure(table(hub, "p", isolated))
    hub.start()
    async with device("porch") as sender:
        sending = asyncio.create_task(stream(sender, enough := asyncio.Event()))
        await wait_until(lambda: len(receipts(hub, "p")) > 100)
        hub.configure(table(hub, "p", f'{isolated}word = "!"'))
        assert "plugins.p: changed, runs" in await in_thread(hub.cli, "reload")
        enough.set()
        await sending
        sent = sender.record()
        await sender.acked(sent)
    # A delivery that took longer than a second is done by a row, and not counted at the cursor.
    done = (
        "SELECT position, done + (SELECT COUNT(*) FROM deliveries WHERE outcome = 'done') FROM cursors "
        "WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE outcome = 'running')"
    )
    await wait_until(lambda: hub.sql(done) == [(sent, sent)])

    stored = [str(number) for (number,) in hub.sql("SELECT id FROM events ORDER BY id")]
    assert sorted((word.strip("!") for word in receipts(hub, "p")), key=int) == stored
    assert receipts(hub, "p")[-1].endswith("!")
    assert (hub.folder / "p.starts").read_text() == "ss"


async def stream(sender, enough):
    """Send until enough is set; return how many were sent, all of them committed."""
    count = 0
    while not enough.is_set():
        for _ in range(10):
            count = sender.record()
        await asyncio.sleep(0.02)
    count = sender.record()  # an ack that was under way at a reload is lost; one more tells of all
    await sender.acked(count, timeout_s=60)
    return count


async def test_reload_refuses_a_wrong_file_with_every_problem_and_goes_on(hub, device, wait_until):
    hub.install("notes", NOTES)
    hub.configure(table(hub, "p"))
    hub.start()
    wrong = '[plugins.p]\nuse = "notes"\n[plugins.q]\nuse = "nobody"\n[limits]\nmax_depht = 3\n'
    hub.configure(wrong, mqtt="prot = 1")
    said = hub.cli("reload", code=2)
    for problem in (
        "plugins.p.path: is missing",
        "plugins.q.use: no plugin 'nobody' is installed",
        "limits.max_depht: unknown setting",
        "mqtt.prot: unknown setting 'prot' (did you mean 'port'?",
    ):
        assert problem in said.replace("\n", " ")
    hub.process.send_signal(signal.SIGHUP)
    await wait_until(lambda: hub.log().count("hub.not_reloaded") == 4)

    hub.configure("")
    async with device("porch") as sender:
        await sender.acked(sender.record())
    await wait_until(lambda: receipts(hub, "p") == ["1"])


async def test_picture_folder_that_overlaps_stops_its_own_instance_and_no_reload(hub, wait_until):
    hub.install("notes", NOTES)
    books = '[plugins.isbn]\nimages = {{ folder = "{}", device = "phone" }}\n'.format
    hub.configure(table(hub, "p") + books("archive/in") + "[plugins.s3-archive]\n")
    hub.start()
    hub.configure(table(hub, "p", 'word = "!"') + books("archive/in") + "[plugins.s3-archive]\n")
    said = hub.cli("reload")
    assert "plugins.p: changed, runs\n" in said
    assert "plugins.isbn: tried again, does not run" in said
    assert "'archive/in' overlaps plugins.s3-archive.folder" in said.replace("\n", " ")

    hub.configure(books("books") + "[plugins.s3-archive]\n")
    assert "plugins.isbn: changed, runs\n" in hub.cli("reload")

    hub.configure(books("books") + '[plugins.s3-archive]\nfolder = "books/old"\n')
    said = hub.cli("reload")  # the archive is moved to where isbn would eat it
    assert "plugins.s3-archive: changed, runs\n" in said
    assert "plugins.isbn: tried again, does not run" in said


async def test_reload_applies_other_limits_and_another_port_while_events_stream(
    hub, device, wait_until, find_free_port
):
    hub.install("notes", NOTES)
    hub.configure(table(hub, "p"))
    hub.start()
    password = hub.add_device("porch")
    async with device("porch", password) as sender:
        sending = asyncio.create_task(stream(sender, enough := asyncio.Event()))
        await wait_until(lambda: len(receipts(hub, "p")) > 50)
        hub.configure(table(hub, "p") + "[limits]\nmax_depth = 16\n")
        assert "limits: applied" in await in_thread(hub.cli, "reload")
        enough.set()
        sent = await sending
        await sender.acked(sender.record(b'{"a":' * 20 + b"1" + b"}" * 20))
    hub.port = find_free_port()
    hub.configure(table(hub, "p") + "[limits]\nmax_depth = 16\n")
    assert "mqtt: applied" in await in_thread(hub.cli, "reload")
    async with device("porch", password) as sender:
        sender.seq = sent + 1
        await sender.acked(sender.record())
    await wait_until(lambda: len(receipts(hub, "p")) == sent + 1)

    assert sorted(map(int, receipts(hub, "p"))) == [
        n for (n,) in hub.sql("SELECT id FROM events ORDER BY id")
    ]
    assert hub.sql("SELECT code FROM quarantine") == [("too_deep",)]


async def test_enabled_plugin_delivers_at_once_and_a_wrong_one_is_not_written(hub, device, wait_until):
    hub.start()
    hub.install("notes", NOTES)  # while the hub runs
    path = f'path = "{hub.folder / "p"}"'
    written = (hub.folder / "hub.toml").read_text()
    assert "plugins.p.path: is missing" in hub.cli("enable", "p", "--use", "notes", code=2)
    assert "installed:" in hub.cli("enable", "nobody", code=2).replace("\n", " ")
    assert (hub.folder / "hub.toml").read_text() == written

    assert "plugins.p: added, runs" in hub.cli("enable", "p", "--use", "notes", "--set", path)
    async with device("porch") as sender:
        await sender.acked(sender.record())
    await wait_until(lambda: receipts(hub, "p") == ["1"])
    assert (hub.folder / "hub.toml").read_text().startswith(written)
    assert "nothing has changed" in hub.cli("enable", "p")
    assert "change it there" in hub.cli("enable", "p", "--set", path, code=2)
    assert hub.stop() == 0
    assert "runs when the hub is started" in hub.cli("enable", "q", "--use", "notes", "--set", path)
