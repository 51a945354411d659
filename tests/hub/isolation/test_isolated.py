"""An instance in a process of its own: the same contract, and what its end costs."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import pytest

from hub.event import Frame


@pytest.fixture
def fill(store, arrivals, soon):
    async def add(count, **members):
        await soon(store.add(*(arrivals.plain(arrivals.event(**members)) for _ in range(count))), 60)

    return add


@pytest.fixture(autouse=True)
def restarted_soon(monkeypatch):
    monkeypatch.setattr("hub.isolation.isolated.PAUSES_S", (0.01,))


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_isolated_instance_counts_what_simply_succeeds(isolate, fill, store, wait_until):
    running = await isolate("return None")
    await fill(500)
    await wait_until(lambda: running.cursor() == (500, 500))

    assert store.sql("SELECT * FROM deliveries") == []


@pytest.mark.parametrize(
    ("body", "outcome", "told"),
    [
        ("return 's3://key'", "done", "s3://key"),
        ("return 42", "dead", "returned int; deliver must return None or a note (str)"),
        ("raise Skip('quiet hours')", "skipped", "quiet hours"),
        ("raise Reject('never')", "dead", "never"),
        ("raise RetryLater(50, 'busy')", "retrying", "busy"),
        ("raise ValueError('x')", "retrying", "ValueError: x"),
        ("raise SystemExit(2)", "retrying", "SystemExit: 2"),
        ("raise asyncio.CancelledError('mine')", "retrying", "CancelledError: mine"),
        ("raise MemoryError", "retrying", "MemoryError"),
    ],
)
async def test_isolated_delivery_ends_as_it_would_in_the_hub(isolate, fill, wait_until, body, outcome, told):
    running = await isolate(body)
    await fill(1)
    await wait_until(running.row)

    assert running.row() == (outcome, 1, told)


async def test_isolated_plugin_that_fails_says_where_in_its_own_file(isolate, fill, wait_until, caplog):
    await isolate("return event.bst()")
    await fill(1)
    await wait_until(lambda: "plugin.failing p: retrying: AttributeError" in caplog.text)

    assert "in deliver: return event.bst()" in caplog.text
    assert "/hub/isolation/" not in caplog.text.split("plugin.failing", 1)[1]


async def test_isolated_plugin_is_given_the_event_and_its_frame(
    isolate, store, arrivals, soon, jpeg, wait_until
):
    frame = Frame(digest=sha256(jpeg).hexdigest(), width=64, height=48, media_type="image/jpeg")
    running = await isolate("return f'{event.id} {event.detections[0].label} {len(await frame.read())}'")
    await soon(store.add(arrivals.plain(arrivals.event(frame=frame), picture=jpeg)))
    await wait_until(running.row)

    assert running.row() == ("done", 1, f"1 thumbs-up {len(jpeg)}")


async def test_isolated_plugin_runs_in_another_process(isolate, fill, wait_until):
    running = await isolate("return str(os.getpid())")
    await fill(1)
    await wait_until(running.row)

    assert running.row() == ("done", 1, str(running.process.pid))
    assert running.process.pid != os.getpid()


async def test_isolated_plugin_asks_the_log(isolate, fill, wait_until):
    running = await isolate(
        "return str(await delivery.count_events(since=event.captured_at, label='thumbs-up'))"
    )
    await fill(3)
    await wait_until(lambda: running.row(3))

    assert running.row(3) == ("done", 1, "3")


async def test_isolated_effect_is_in_the_ledger_before_its_block_runs(isolate, fill, store, wait_until):
    running = await isolate(
        """
import sqlite3
async with delivery.once("tweet", amount=0.5):
    with sqlite3.connect(self.context.data_dir / "hub.sqlite") as store:
        return str(store.execute("SELECT key, state, amount FROM effects").fetchall())
"""
    )
    await fill(1)
    await wait_until(running.row)

    assert running.row() == ("done", 1, "[('tweet', 'begun', 0.5)]")
    assert store.sql("SELECT state FROM effects") == [("done",)]


@pytest.mark.parametrize(
    ("end", "outcome", "ledger"),
    [
        ("pass", "done", [("done",)]),
        ("raise RetryLater(50, 'busy')", "retrying", []),
        ("raise Reject('no')", "dead", []),
        ("raise ValueError('x')", "unknown", [("begun",)]),
        ("os._exit(3)", "unknown", [("begun",)]),
        ("time.sleep(1000)", "unknown", [("begun",)]),
        ("await asyncio.sleep(1000)", "unknown", [("begun",)]),
    ],
)
async def test_isolated_effect_keeps_the_promises_of_the_ledger(
    isolate, fill, store, wait_until, end, outcome, ledger
):
    timeout_s = 1 if "sleep" in end else 60  # two commits may take longer than a second
    body = f"async with delivery.once('k'):\n    {end}\nreturn 'x'"
    running = await isolate(body, timeout_s=timeout_s)
    await fill(1)
    await wait_until(lambda: running.row() and running.row()[0] == outcome, timeout_s=60)

    assert store.sql("SELECT state FROM effects") == ledger


async def test_isolated_effect_is_not_done_twice(isolate, fill, wait_until):
    running = await isolate(
        "async with delivery.once('one for all'):\n    pass\nreturn 'mine'", concurrency=1
    )
    await fill(2)
    await wait_until(lambda: running.row(2))

    assert running.row(1) == ("done", 1, "mine")
    assert running.row(2)[2].startswith("one for all was already done at ")


@pytest.mark.parametrize(
    ("death", "told"),
    [
        ("os._exit(3)", "it ended by itself, with exit code 3"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "it was ended by SIGKILL"),
        ("os.write(delivery._pipe._descriptor, b'nonsense\\n')", "it said what cannot be read: Invalid JSON"),
    ],
)
async def test_isolated_process_that_dies_costs_the_delivery_under_way(
    isolate, fill, wait_until, death, told
):
    body = f"if event.id == 2:\n    {death}\n    await asyncio.sleep(1000)"
    running = await isolate(body, concurrency=1, attempts=1)
    await fill(200)
    await wait_until(lambda: running.cursor() == (200, 199))

    assert running.row(2)[0] == "dead"
    assert f"ProcessEnded: the plugin's process ended: {told}" in running.row(2)[2]
    assert running.state()[0] == "running"
    assert running.state()[1].startswith("its process ended 1 time; the last time it")


@pytest.mark.parametrize("death", ["os._exit(3)", "os.kill(os.getpid(), signal.SIGSEGV)"])
async def test_isolated_process_that_dies_costs_nothing_of_what_ran_beside_the_culprit(
    isolate, fill, wait_until, death
):
    body = f"await asyncio.sleep(0.05)\nif event.id == 5:\n    {death}"
    running = await isolate(body, concurrency=4, attempts=1)
    await fill(40)
    await wait_until(lambda: running.cursor()[0] == 40)

    await wait_until(lambda: running.cursor() == (40, 39))
    assert running.row(5)[0] == "dead"


async def test_isolated_process_that_blocks_is_ended_at_its_timeout(isolate, fill, wait_until):
    body = "while event.id == 2:\n    pass"
    running = await isolate(body, concurrency=1, attempts=1, timeout_s=4)
    await fill(100)
    await wait_until(lambda: running.cursor() == (100, 99))

    assert running.row(2)[0] == "dead"
    assert "took longer than timeout_s = 4" in running.row(2)[2]


async def test_isolated_delivery_that_lasts_too_long_is_cancelled_and_leaves_the_process_alone(
    isolate, fill, wait_until
):
    running = await isolate("if event.id == 2:\n    await asyncio.sleep(1000)", attempts=1, timeout_s=4)
    await fill(100)
    await wait_until(lambda: running.cursor() == (100, 99))

    assert running.state() == ("running", "")


async def test_isolated_instance_delivers_again_what_ran_beside_a_delivery_that_blocked(
    isolate, fill, wait_until
):
    body = "if event.id == 1:\n    await asyncio.sleep(0.2)\nwhile event.id == 2:\n    pass"
    running = await isolate(body, concurrency=2, attempts=1, timeout_s=4)
    await fill(10)
    await wait_until(lambda: running.cursor()[0] == 10)
    await wait_until(lambda: running.row(1) is None or running.row(1)[0] != "running")

    assert running.row(1) is None or running.row(1)[0] == "done"


async def test_isolated_plugin_that_wants_too_much_memory_fails_alone(isolate, fill, wait_until):
    running = await isolate("if event.id == 2:\n    bytearray(300 << 20)", memory_mb=200, attempts=1)
    await fill(10)
    await wait_until(lambda: running.cursor() == (10, 9))

    assert running.row(2) == ("dead", 1, "MemoryError (attempt 1 of 1)")


async def test_isolated_process_has_its_prints_and_log_in_the_hub_s_log(isolate, fill, wait_until, caplog):
    caplog.set_level("INFO")
    running = await isolate(
        "print('to stdout', flush=True)\nself.context.log.warning('to the log')\nreturn 'x'"
    )
    await fill(1)
    await wait_until(running.row)
    await wait_until(lambda: "plugin.says p: to the log" in caplog.text)

    said = {(r.levelname, r.getMessage()) for r in caplog.records if "says" in r.msg}
    assert said == {("INFO", "plugin.says p: to stdout"), ("WARNING", "plugin.says p: to the log")}


@pytest.mark.parametrize(
    ("head", "settings", "told"),
    [
        ("import not_there\n", {}, "ModuleNotFoundError: No module named 'not_there'"),
        (
            "import os\nos._exit(0)\n",
            {},
            "plugins.p: its process did not start: it ended by itself, with exit code 0",
        ),
        ("raise SystemExit('no')\n", {}, "SystemExit: no"),
        ("", {"text": 1}, "plugins.p.text: "),
    ],
)
async def test_isolated_plugin_that_cannot_be_made_is_named_with_its_reason(
    isolate, wait_until, head, settings, told
):
    running = await isolate("return None", before=head, **settings)
    await wait_until(running.state)

    assert running.state()[0] == "failed"
    assert told in running.state()[1]


async def test_isolated_process_ends_with_its_instance(isolate, fill, wait_until):
    running = await isolate("return str(os.getpid())")
    await fill(1)
    await wait_until(running.row)
    await running.stop()

    assert not is_alive(int(running.row()[2]))


async def test_isolated_process_that_does_not_stop_is_ended(isolate, fill, wait_until, monkeypatch):
    monkeypatch.setattr("hub.isolation.process.END_S", 0.1)
    running = await isolate("asyncio.get_running_loop().call_soon(time.sleep, 1000)\nreturn str(os.getpid())")
    await fill(1)
    await wait_until(running.row)
    await running.stop()

    assert not is_alive(int(running.row()[2]))


async def test_isolated_process_ends_what_it_started(isolate, fill, wait_until):
    running = await isolate("import subprocess\nreturn str(subprocess.Popen(['sleep', '1000']).pid)")
    await fill(1)
    await wait_until(running.row)
    os.kill(running.process.pid, signal.SIGKILL)

    await wait_until(lambda: not is_alive(int(running.row()[2])))


@pytest.mark.parametrize("group", ["os.setsid()", "pass"], ids=["own group", "same group"])
async def test_isolated_process_that_dies_is_noticed_though_a_child_of_it_lives(
    isolate, fill, wait_until, caplog, group
):
    caplog.set_level("INFO")
    body = f"""
if event.id == 1:
    command = "import os, time; {group}; print('up', flush=True); time.sleep(1000)"
    sink = delivery._pipe._descriptor
    child = subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE, pass_fds=[sink])
    child.stdout.readline()
    print("child", child.pid, flush=True)
    os._exit(9)
"""
    running = await isolate(body, before="import subprocess\n", attempts=1, timeout_s=1000)
    await fill(2)
    await wait_until(lambda: running.cursor() == (2, 1), timeout_s=60)
    with suppress(ProcessLookupError):
        os.kill(int(caplog.text.partition("says p: child ")[2].split()[0]), signal.SIGKILL)

    assert "it ended by itself, with exit code 9" in running.row(1)[2]


async def test_isolated_process_goes_on_alone_when_its_code_forks(isolate, fill, wait_until, caplog):
    caplog.set_level("INFO")
    body = """
if event.id == 1 and os.fork() == 0:
    print("child is", os.getpid(), flush=True)
    return "the child's"
return str(os.getpid())
"""
    running = await isolate(body)
    await fill(1)
    await wait_until(running.row)
    await wait_until(lambda: "child is" in caplog.text)
    child = int(caplog.text.partition("child is ")[2].split()[0])
    await wait_until(lambda: not is_alive(child))
    await fill(50)
    await wait_until(lambda: running.cursor()[0] == 51 and running.row(51))

    assert {running.row(number)[2] for number in range(1, 52)} == {str(running.process.pid)}
    assert running.state() == ("running", "")


async def test_isolated_instance_goes_on_with_a_new_process(isolate, fill, wait_until):
    running = await isolate("return str(os.getpid())")
    await fill(1)
    await wait_until(running.row)
    os.kill(running.process.pid, signal.SIGKILL)
    await wait_until(lambda: running.state()[1])
    await fill(1)
    await wait_until(lambda: running.row(2))

    assert running.row(2)[0] == "done"
    assert running.row(2)[2] != running.row(1)[2]
