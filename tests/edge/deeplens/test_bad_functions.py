"""Functions that misbehave: each is reported with its reason, harms nobody else, and can be stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

LOOP = "import awscam, greengrasssdk, os, sys\nsay = greengrasssdk.client('iot-data').publish\n"
TOPIC = "$aws/things/deeplens_X/infer"


@pytest.fixture
def write(tmp_path):
    """A function that writes an old function's file, and returns its path."""

    def make(source: str) -> Path:
        path = tmp_path / "bad.py"
        path.write_text(LOOP + source)
        return path

    return make


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("sys.exit(3)", "it crashed: exit code 1"),
        ("sys.exit(0)", "it ended by itself"),
        ("os.kill(os.getpid(), 9)", "it crashed: killed by SIGKILL (out of memory?)"),
        ("bytearray(1 << 60)", "it crashed: bad.py, line 3: MemoryError"),
        ("import mxnet_of_old", "it crashed: bad.py, line 3: ModuleNotFoundError: No module named 'mx"),
        ("def f((a, b)): print a", "this has no mechanical repair: change the line by hand"),
        ("greengrasssdk.client('lambda').invoke(FunctionName='x')", 'client("lambda").invoke is not offered'),
        ("awscam.Model('/opt/awscam/artifacts/none.xml', {'GPU': 1})", "no model 'none' in"),
    ],
)
async def test_function_that_cannot_go_on_is_reported_with_its_reason(
    run_function, wait_until, write, tmp_path, source, reason
):
    (tmp_path / "empty").mkdir()
    run = await run_function(write(source), model_dir=tmp_path / "empty")
    await wait_until(lambda: any(said["state"] == "error" for said in run.statuses))
    await run.stop()
    assert reason in next(said["text"] for said in run.statuses if said["state"] == "error")
    assert (run.code, run.report["published"]) == (1, 0)
    assert run.report["missing"] == (["mxnet_of_old"] if "mxnet" in source else [])


async def test_function_that_cannot_import_a_module_is_told_how_to_get_it(run_function, wait_until, write):
    run = await run_function(write("import mxnet_of_old"))
    await wait_until(lambda: any(said["state"] == "error" for said in run.statuses))
    await run.stop()
    assert "missing: mxnet_of_old (install it: pip install mxnet_of_old)" in run.printed


STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
say(topic='{topic}', payload='here')
while True:
    try:
        {body}
    except:
        pass
"""


@pytest.mark.parametrize("body", ["pass", "raise SystemExit", "os.write(1, b'x' * 99999)"])
async def test_function_that_swallows_everything_is_stopped(run_function, wait_until, write, body):
    run = await run_function(write(STUBBORN.format(topic=TOPIC, body=body)))
    await wait_until(lambda: run.payloads == ["here"])
    await run.stop()
    assert (run.code, run.report["published"], run.report["crashes"]) == (1, 1, 0)


async def test_what_is_refused_takes_nothing_else_with_it(run_function, wait_until, write):
    tries = [("a/+/b", 1), ("", 1), ("a" * 300, 1), (TOPIC, 10**7), (TOPIC, 131_073)]
    source = f"for topic, size in {tries}:\n    awscam.getLastFrame()\n"
    source += "    try: say(topic=topic, payload='x' * size)\n    except Exception as e: print(e)\n"
    source += f"    say(topic='{TOPIC}', payload='good')\nwhile True: awscam.getLastFrame()\n"
    run = await run_function(write(source))
    await wait_until(lambda: run.payloads == ["good"] * 5)
    await run.stop()
    assert (run.code, run.report["published"], run.report["crashes"]) == (0, 5, 0)
    told = [line for line in run.printed.splitlines() if line.startswith("function: publish to ")]
    reasons = ("has no +, # or", "has 1 to 256 bytes", "has 1 to 256 bytes", "10000000 bytes", "131073 bytes")
    assert all(reason in line for reason, line in zip(reasons, told, strict=True))


async def test_function_that_forks_speaks_only_for_itself(run_function, wait_until, write):
    source = "awscam.getLastFrame()\nif os.fork() == 0:\n    try: say(topic='t', payload='x')\n"
    source += "    except Exception as e: print(e)\n    sys.stdout.flush(); os._exit(0)\nos.wait()\n"
    source += f"while True:\n    awscam.getLastFrame(); say(topic='{TOPIC}', payload='parent')\n"
    run = await run_function(write(source))
    await wait_until(lambda: len(run.payloads) >= 2)
    await run.stop()
    assert set(run.payloads) == {"parent"}
    assert "function: a forked process can neither publish nor use awscam" in run.printed


async def test_process_that_a_function_left_behind_ends_with_it(
    run_function, wait_until, has_ended, write, tmp_path
):
    source = "pid = os.fork()\nif pid == 0:\n    while True: pass\n"
    source += "if not os.path.exists('pid.txt'): open('pid.txt', 'w').write(str(pid))\n"
    run = await run_function(write(source + "awscam.getLastFrame()\nos._exit(0)\n"))
    await wait_until(lambda: any(said["state"] == "error" for said in run.statuses))
    await wait_until(lambda: has_ended(int((tmp_path / "pid.txt").read_text())))
    await run.stop()


async def test_function_that_prints_without_end_goes_on_and_fills_nothing(run_function, wait_until, write):
    source = f"while True:\n    awscam.getLastFrame(); say(topic='{TOPIC}', payload='on')\n"
    run = await run_function(write(source + "    for _ in range(20000): print('x' * 1000)\n"))
    await wait_until(lambda: len(run.payloads) >= 3)
    await run.stop()
    assert (run.code, run.report["crashes"]) == (0, 0)
    assert len(run.printed) < 1_000_000


async def test_function_that_fills_a_fifo_nobody_reads_is_not_held_up(run_function, wait_until):
    run = await run_function("thumbs_up_v1_py3.py")
    await wait_until(lambda: len(run.payloads) > 4)
    await run.stop()
    assert (run.code, run.report["crashes"]) == (0, 0)


async def test_function_never_sees_the_brokers_password_and_cannot_print_it(
    run_function, wait_until, write, tmp_path
):
    (tmp_path / "note").write_text("correct-horse-battery")
    source = (
        "print('found', os.environ.get('MQTT_WORD'), open('note').read(), os.environ['AWS_ACCESS_KEY_ID'])\n"
    )
    config = tmp_path / "agent.toml"
    config.write_text('[agent]\ndevice="x"\n[broker]\nusername="x"\npassword_env="MQTT_WORD"\n')
    run = await run_function(
        write(source + "awscam.getLastFrame()\nwhile True: pass"),
        options=("--config", str(config)),
        MQTT_WORD="correct-horse-battery",
        AWS_ACCESS_KEY_ID="AKIAABCDEFGHIJKLMNOP",
    )
    await wait_until(lambda: any(said["state"] == "online" for said in run.statuses))
    await wait_until(lambda: "function: found" in run.printed)
    await run.stop()
    assert "function: found None [secret] [secret]" in run.printed
