"""Old functions, whole: each run by the command, heard at a real broker, read by the hub's decoder."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import boto3
import pytest
from moto.server import ThreadedMotoServer

from edge.config import DEFAULT_MODEL
from hub.decode.aliases import Alias, AliasTable
from hub.decode.deeplens import make_decoder
from hub.decode.limits import Limits
from hub.decode.message import Decoded, Message

ALIASES = AliasTable({"deeplens_X": Alias(device="Seattle01")}, ZoneInfo("UTC"))


def decode(payload: str) -> Decoded:
    message = Message("mqtt", "$aws/things/deeplens_X/infer", payload.encode(), datetime.now(UTC))
    return make_decoder(ALIASES, Limits())(message)


def pending(spool: Path) -> int:
    """Return how many messages a spool holds, -1 while it cannot be read, as when it is being made."""
    try:
        with closing(sqlite3.connect(f"file:{spool}?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT count(*) FROM letters").fetchone()[0])
    except sqlite3.OperationalError:
        return -1


@pytest.fixture
def s3(monkeypatch):
    """A server of S3 with the bucket `frames`."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=address, **keys)
    client.create_bucket(Bucket="frames")
    yield client, address
    client.close()
    server.stop()


async def test_first_thumbs_up_version_publishes_probabilities(run_function, wait_until):
    run = await run_function("thumbs_up_v1_py2.py", model_dir=DEFAULT_MODEL)
    await wait_until(lambda: "{}" in run.payloads[4:])
    await run.stop()
    assert (run.code, run.report["crashes"]) == (0, 0)
    assert "thumbs_up_v1_py2.py: tabs mixed with spaces (line 22)" in run.report["repairs"]
    assert [decode(payload).error for payload in run.payloads] == [None] * len(run.payloads)


async def test_second_thumbs_up_version_uploads_its_frames_and_links_them(run_function, wait_until, s3):
    client, address = s3
    run = await run_function(
        "thumbs_up_v2_py2.py", AWS_ENDPOINT_URL=address, TEST_BUCKET="frames", TEST_URL=f"{address}/moto-api/"
    )
    await wait_until(lambda: any("objects" in payload for payload in run.payloads))
    await run.stop()
    assert run.payloads[:2] == ["deeplens_X", "Data pushed to S3"]
    assert json.loads(run.payloads[2])["img"].endswith(".jpg")
    assert decode(run.payloads[3]).events[0].detections[0].confidence == pytest.approx(0.91)
    assert client.list_objects_v2(Bucket="frames")["KeyCount"] >= 1
    assert "AKIA" not in run.printed
    assert "not-a-real" not in run.printed


async def test_later_thumbs_up_version_publishes_records(run_function, wait_until, models):
    run = await run_function("thumbs_up_v3_py3.py", model_dir=models / "ssd")
    await wait_until(lambda: len(run.payloads) > 3)
    await run.stop()
    assert decode(run.payloads[0]).statuses[0].kind == "model_loaded"
    assert decode(run.payloads[1]).events[0].device == "Seattle01"
    assert "mapping: model deploy_model_algo_1 -> mxnet_deploy_ssd" in run.printed


async def test_face_detection_of_python_2_publishes_duplicate_keys(run_function, wait_until):
    run = await run_function("face_detection_py2.py")
    await wait_until(lambda: len(run.payloads) > 3)
    await run.stop()
    assert run.payloads[0] == '{"prob": 0.91,"prob": 0.42,"face": "true"}'
    assert [seen.label for seen in decode(run.payloads[0]).events[0].detections] == ["face", "face"]
    assert run.report["inferences"] >= 3


async def test_classification_writes_its_fifo_and_publishes_the_best(run_function, wait_until, tmp_path):
    fifo = tmp_path / "fifo"
    run = await run_function("classification_py3.py")
    await wait_until(fifo.is_fifo)
    with fifo.open("rb") as display:
        assert display.read(2) == b"\xff\xd8"
    await wait_until(lambda: len(run.payloads) > 3)
    await run.stop()
    assert list(json.loads(run.payloads[2])) == ["dog", "cat"]
    assert "bytes written to a file opened as text" in run.report["repairs"]


async def test_function_that_never_loops_is_reported(run_function, wait_until):
    run = await run_function("never_loops.py")
    await wait_until(lambda: any(said["state"] == "error" for said in run.statuses))
    await run.stop()
    assert (run.code, run.report["frames"], run.report["crashes"]) == (1, 0, 0)
    assert "it ended by itself" in run.printed


async def test_function_that_exits_is_started_again_and_its_last_message_kept(run_function, wait_until):
    run = await run_function("crashing.py")
    await wait_until(lambda: len(run.payloads) >= 2)
    await wait_until(lambda: [said["state"] for said in run.statuses].count("error") >= 2)
    await run.stop()
    assert set(run.payloads) == {"last words"}
    assert (run.code, run.report["crashes"] >= 2) == (1, True)
    assert run.report["published"] - run.report["crashes"] in (0, 1)  # it may have been stopped between
    assert "it crashed: exit code 7; started again in 1 s" in run.printed


async def test_function_that_prints_too_much_and_secrets_is_bounded(run_function, wait_until):
    run = await run_function("hostile.py", TEST_PASSWORD="correct-horse-battery")
    await wait_until(lambda: run.payloads and any(said["state"] == "error" for said in run.statuses))
    await run.stop()
    assert "correct-horse" not in run.printed
    assert len(run.printed) < 20_000
    assert "10000000 bytes, and AWS IoT takes 131072 at most" in run.printed
    assert 'client("secretsmanager").get_secret_value is not offered here' in run.printed
    assert (run.report["missing"], run.payloads[0]) == (["mxnet_of_old"], "here")


async def test_function_and_modules_beside_it_are_repaired_but_never_changed(
    run_function, wait_until, tmp_path
):
    path = tmp_path / "mine.py"
    path.write_text(
        "from beside import tell\nwhile 1:\n\timport awscam\n        awscam.getLastFrame(); tell()\n"
    )
    said = "client('iot-data').publish('lenshub/x', u'')"
    (tmp_path / "beside.py").write_text(f"from greengrasssdk import client\ndef tell():\n print 1\n {said}")
    before = path.read_bytes()
    run = await run_function(path)
    await wait_until(lambda: len(run.heard) > 3)
    await run.stop()
    assert "beside.py: print statement (line 3)" in run.report["repairs"]
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.glob("__pycache__")] == []


async def test_messages_are_kept_over_a_kill_and_an_absent_broker(run_function, wait_until, broker, tmp_path):
    broker.kill()
    run = await run_function("crashing.py")
    await wait_until(lambda: pending(tmp_path / "out.db") >= 2)
    run.process.kill()
    await run.process.wait()
    broker.start()
    run = await run_function("never_loops.py")
    await wait_until(lambda: pending(tmp_path / "out.db") == 0)
    await run.stop()
    assert run.code == 1


async def test_function_dies_with_its_supervisor(run_function, wait_until, has_ended, tmp_path):
    path = tmp_path / "pid.py"
    path.write_text("import os, awscam\nopen('pid.txt', 'w').write(str(os.getpid()))\nwhile True: pass\n")
    run = await run_function(path)
    await wait_until(lambda: (tmp_path / "pid.txt").exists() and (tmp_path / "pid.txt").read_text())
    run.process.kill()
    await run.process.wait()
    await wait_until(lambda: has_ended(int((tmp_path / "pid.txt").read_text())))


async def test_function_that_restarts_itself_by_a_timer_goes_on(run_function, wait_until, tmp_path):
    (tmp_path / "empty").mkdir()
    run = await run_function("face_detection_py2.py", model_dir=tmp_path / "empty")
    await wait_until(lambda: len(run.payloads) >= 2)
    await run.stop()
    assert [decode(payload).statuses[0].kind for payload in run.payloads[:2]] == ["error"] * 2
    assert "no model 'mxnet_deploy_ssd_FP16_FUSED' in" in run.payloads[0]
    assert (run.code, run.report["crashes"]) == (1, 0)
