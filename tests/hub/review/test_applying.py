"""Verdicts become amendments once, whatever is killed in between, and several reviewers work at once."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys

import pytest

from hub.review.applying import Applier, have_applied
from hub.review.error import ReviewError
from hub.store.database import hub_lock
from hub.store.review_queue import is_for_two

KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from hub.review.applying import apply_here
from hub.review.settings import ReviewSettings
from hub.store import reviews

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "before":
    reviews.mark_applied = die
else:
    from hub.store.write_thread import WriteThread
    transact = WriteThread._transact
    def then_die(self, work):
        transact(self, work)
        die()
    WriteThread._transact = then_die
asyncio.run(apply_here(Path(sys.argv[1]), ReviewSettings()))
"""

REVIEWER = """
import asyncio, json, sys
from pathlib import Path
from hub.review.desk import open_desk

async def main(data_dir, name):
    async with open_desk(Path(data_dir)) as desk:
        print("ready", flush=True)
        while sys.stdin.readline():
            seen = []
            while tasks := await desk.take(name, count=3):
                for task in tasks:
                    await desk.accept(task.event.id, name)
                    seen.append(task.event.id)
            print(json.dumps(seen), flush=True)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_verdict_is_applied_once_when_the_hub_is_killed_about_its_commit(bench, desk, moment):
    (event_id,) = await bench.add()
    await desk.correct(event_id, "anna", ())
    await bench.store.close()
    command = [sys.executable, "-c", KILLED, bench.data_dir, moment]
    killed = await asyncio.to_thread(subprocess.run, command, timeout=200)
    assert killed.returncode == -signal.SIGKILL
    await bench.store.open()
    assert len(await bench.amendments(event_id)) == (moment == "after")
    await bench.apply()

    assert len(await bench.amendments(event_id)) == 1
    assert (await bench.view(event_id)).detections == ()


async def test_two_processes_review_different_events(bench, desk):
    ids = await bench.add(20)
    pipes = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    command = (sys.executable, "-c", REVIEWER, str(bench.data_dir))
    both = [await asyncio.create_subprocess_exec(*command, name, **pipes) for name in ("anna", "ben")]
    async with asyncio.timeout(60):
        for one in both:
            assert await one.stdout.readline() == b"ready\n"
        seen: list[list[int]] = [[], []]
        for _ in range(2):  # who ends first finds in the second round what the other one still held
            for one in both:
                one.stdin.write(b"go\n")
            for ids_of_one, one in zip(seen, both, strict=True):
                ids_of_one.extend(json.loads(await one.stdout.readline()))
        await bench.apply()
        for one in both:
            one.stdin.close()
            assert await one.wait() == 0

    firsts = bench.store.sql(
        "SELECT event_id, MIN(id), reviewer FROM reviews GROUP BY event_id ORDER BY event_id"
    )
    assert [row[0] for row in firsts] == ids
    twice = set(seen[0]) & set(seen[1])
    assert twice == {event_id for event_id in ids if is_for_two(event_id, 0.1)}
    assert len(seen[0]) + len(seen[1]) == len(ids) + len(twice)


async def test_word_that_is_taken_back_while_it_is_applied_is_applied_as_taken_back(
    bench, desk, found, monkeypatch
):
    (event_id,) = await bench.add()
    await desk.correct(event_id, "anna", ())
    add = Applier._add

    def take_back_first(self, arrival, words):
        monkeypatch.setattr(Applier, "_add", add)
        bench.store.sql("UPDATE reviews SET undone_at = made_at, applied_at = NULL")
        return add(self, arrival, words)

    monkeypatch.setattr(Applier, "_add", take_back_first)
    await bench.apply()

    assert len(await bench.amendments(event_id)) == 2
    assert (await bench.view(event_id)).detections == found


async def test_running_applier_takes_notice_by_itself(bench, desk, wait_until):
    (event_id,) = await bench.add()
    running = asyncio.create_task(Applier(bench.store.writer, bench.store.engine, bench.settings).run())
    await desk.accept(event_id, "anna")

    async def is_applied():
        return bool(await bench.amendments(event_id))

    await wait_until(is_applied)
    running.cancel()
    await asyncio.wait([running])


async def test_what_waits_is_applied_where_no_hub_runs(bench, desk):
    (event_id,) = await bench.add()
    await desk.correct(event_id, "anna", ())
    await bench.store.close()
    await have_applied(bench.data_dir, bench.settings)
    await bench.store.open()

    assert (await bench.view(event_id)).detections == ()


async def test_what_waits_is_left_to_a_running_hub_and_told_where_it_does_nothing(bench, desk):
    ids = await bench.add(2)
    for event_id in ids:
        await desk.reject(event_id, "anna")
    with hub_lock(bench.data_dir):
        with pytest.raises(ReviewError, match=r"^verdicts about 2 events still wait for the running hub"):
            await have_applied(bench.data_dir, bench.settings, wait_s=0)
        asked = asyncio.create_task(have_applied(bench.data_dir, bench.settings, wait_s=60))
        await bench.apply()
        await asked

    assert [len(await bench.amendments(event_id)) for event_id in ids] == [1, 1]
