"""The commands `optimize` and `bench`: what is written, printed and refused."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from edge.cli import app
from edge.model import SHIPPED, Detector
from edge.optimize import Measured, read_frames
from hub.errors import ConfigError

HIRAGANA = SHIPPED / "hiragana"
CHARACTERS = Path(__file__).with_name("characters")


@pytest.fixture(autouse=True)
def short_timing(monkeypatch):
    monkeypatch.setattr("edge.optimize.TIMING_S", 0.05)


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_optimize_makes_a_model_folder_of_onnx(tmp_path, save_onnx):
    (tmp_path / "labels.txt").write_bytes("あ\r\nい\r\nう\r\n".encode())
    source = save_onnx(tmp_path / "net.onnx")
    result = call("optimize", source, "--labels", tmp_path / "labels.txt", "--out", tmp_path / "m", "--json")
    done = json.loads(result.stdout)
    assert (result.exit_code, done["precision"], done["accepted"], done["guessed"]) == (0, "FP16", True, True)
    assert Detector(tmp_path / "m").card.labels == ("あ", "い", "う")


def test_optimize_measures_both_models(tmp_path):
    done = json.loads(call("optimize", HIRAGANA, "--out", tmp_path / "m", "--json").stdout)
    before, after = (done[which] for which in ("before", "after"))
    assert set(before) == set(Measured.__slots__)
    assert after["bytes"] == sum((tmp_path / "m" / f"model.{end}").stat().st_size for end in ("xml", "bin"))
    assert 0 < after["latency"]["p50_ms"] <= after["latency"]["p95_ms"]


def test_optimize_keeps_the_card_that_is_there(tmp_path):
    call("optimize", HIRAGANA, "--out", tmp_path / "m")
    assert Detector(tmp_path / "m").card == Detector(HIRAGANA).card


def test_optimize_prints_for_people_what_it_did(tmp_path, save_onnx):
    result = call("optimize", save_onnx(tmp_path / "net.onnx"), "--out", tmp_path / "m")
    assert "FP16 agrees with the original to" in result.stdout
    assert "14 synthetic pictures (noise)" in result.stdout
    assert "guessed: check labels, colours, mean and scale" in result.stdout


def test_optimize_halves_the_weights_of_onnx(tmp_path, save_onnx):
    source = save_onnx(tmp_path / "net.onnx")
    call("optimize", source, "--out", tmp_path / "m")
    assert (tmp_path / "m" / "model.bin").stat().st_size < source.stat().st_size / 2


def test_optimize_compares_on_pictures_when_there_are_some(tmp_path):
    result = call("optimize", HIRAGANA, "--images", CHARACTERS, "--out", tmp_path / "m", "--json")
    done = json.loads(result.stdout)
    assert (done["pictures"], done["noise"]) == (35, False)
    assert done["agreement"] > 0.999


def test_optimize_writes_nothing_when_too_much_is_lost(tmp_path, save_onnx):
    source = save_onnx(tmp_path / "net.onnx")
    result = call("optimize", source, "--out", tmp_path / "m", "--max-loss", "0")
    assert (result.exit_code, result.stderr.startswith("refused: loses 0.0")) == (1, True)
    assert list(tmp_path.iterdir()) == [source]


def test_optimize_refuses_int8_when_nncf_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "nncf", None)
    result = call("optimize", HIRAGANA, "--int8", "--images", CHARACTERS, "--out", tmp_path / "m")
    assert (result.exit_code, list(tmp_path.iterdir())) == (2, [])
    assert "--int8 needs NNCF, which is not installed (pip install 'lenshub[quantize]')" in result.stderr


def test_optimize_quantises_to_int8(tmp_path):
    arguments = ("--int8", "--images", CHARACTERS, "--max-loss", "0.1", "--json")
    done = json.loads(call("optimize", HIRAGANA, *arguments, "--out", tmp_path / "m").stdout)
    assert (done["precision"], done["accepted"]) == ("INT8", True)
    assert done["after"]["bytes"] < done["before"]["bytes"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((HIRAGANA, "--int8"), "--int8 needs --images"),
        ((HIRAGANA, "--images", "nowhere"), "nowhere: cannot be read: No such file"),
        ((HIRAGANA, "--images", HIRAGANA), "hiragana: holds no pictures (known: .bmp, .jpeg"),
        (("missing.onnx",), "missing.onnx: there is no such file or folder"),
        ((CHARACTERS,), "model.xml and model.bin missing (is this a model folder?)"),
    ],
)
def test_optimize_is_refused_in_one_line(tmp_path, arguments, words):
    result = call("optimize", *arguments, "--out", tmp_path / "m")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert words in result.stderr


def test_optimize_is_refused_when_a_picture_is_damaged(tmp_path):
    (tmp_path / "a.png").write_bytes(b"x")
    result = call("optimize", HIRAGANA, "--images", tmp_path, "--out", tmp_path / "m")
    assert (result.exit_code, "a.png: cannot decode 1 bytes" in result.stderr) == (2, True)


def test_optimize_leaves_alone_what_is_there(tmp_path):
    (tmp_path / "model.toml").write_text("mine")
    result = call("optimize", HIRAGANA, "--out", tmp_path)
    assert (result.exit_code, "is there already (name a new folder)" in result.stderr) == (2, True)
    assert (tmp_path / "model.toml").read_text() == "mine"


def test_bench_prints_numbers_as_json_when_asked():
    done = json.loads(call("bench", HIRAGANA, "--seconds", "0.2", "--threads", "1", "--json").stdout)
    assert (done["model"], done["device"]) == ("hiragana", "CPU")
    assert done["frames_per_s"] > 1


def test_bench_prints_a_table_for_people():
    result = call("bench", HIRAGANA, "--seconds", "0.1")
    assert "hiragana 2 on CPU" in result.stdout
    assert "frames/s" in result.stdout


def test_bench_is_refused_when_there_is_no_such_device():
    result = call("bench", HIRAGANA, "--device", "TPU")
    assert (result.exit_code, "device TPU: OpenVINO finds none here" in result.stderr) == (2, True)


def test_pictures_to_compare_on_are_refused_without_waiting_when_one_is_a_fifo(tmp_path):
    os.mkfifo(tmp_path / "one.jpg")
    with pytest.raises(ConfigError, match=r"one\.jpg: is no file"):
        read_frames(tmp_path)
