"""A gate decides by its threshold, audits a share, and says when its model is down."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from hub.demo.cloud.tf_serving import TfServing
from hub.errors import ConfigError
from hub.gate.gate import Gate, make_gate
from hub.gate.settings import GateSettings
from hub.gate.tf_serving import GateDown

PICTURE = bytes(cv2.imencode(".png", np.full((40, 40, 3), 90, np.uint8))[1])


@pytest.fixture
async def serving():
    async with TfServing() as server:
        yield server


def ask(serving: TfServing, **more) -> Gate:
    settings = {"tf_serving": serving.url, "threshold": 0.0, "timeout_s": 30} | more
    return Gate("text", GateSettings(**settings))


async def test_gate_has_the_same_score_from_tensorflow_serving_as_in_the_hub(serving):
    async with ask(serving) as asked, Gate("text", GateSettings(model=Path("text"))) as own:
        assert await asked.score(PICTURE) == pytest.approx(await own.score(PICTURE), abs=0.02)
    assert serving.asked == 1


@pytest.mark.parametrize(
    "trouble", ["drop", "error", "html", "nan", "strings", "many", "large", "nothing", "deep"]
)
async def test_gate_is_open_when_its_model_answers_badly(serving, trouble):
    serving.trouble = trouble
    async with ask(serving) as gate:
        verdict = await gate.judge(PICTURE)
        assert verdict.sent
        assert verdict.score is None
        well, said = gate.report()
        assert not well
        assert "every picture is sent" in said
        serving.trouble = None
        assert (await gate.judge(PICTURE)).score is not None
        assert gate.report()[0]


async def test_gate_is_open_when_its_model_answers_too_late(serving):
    serving.trouble = "stall"
    async with ask(serving, timeout_s=0.2) as gate:
        assert (await gate.judge(PICTURE)).sent


async def test_gate_lets_pictures_wait_when_it_is_to_be_closed_meanwhile(serving):
    serving.trouble = "error"
    async with ask(serving, when_down="closed") as gate:
        with pytest.raises(GateDown, match="HTTP 500"):
            await gate.judge(PICTURE)
        assert "pictures wait" in gate.report()[1]


async def test_gate_sends_a_share_of_the_refused_to_audit():
    draws = iter([0.05, 0.5, 0.09, 0.1])
    settings = GateSettings(model=Path("text"), threshold=1.0, audit_share=0.1)
    async with Gate("text", settings, lambda: next(draws)) as gate:
        found = [await gate.judge(PICTURE) for _ in range(4)]
    assert [(one.passed, one.audit, one.sent) for one in found] == [
        (False, True, True),
        (False, False, False),
        (False, True, True),
        (False, False, False),
    ]
    assert gate.report() == (True, "text: 2 audited, 2 kept back")


async def test_gate_sends_what_it_cannot_read():
    async with Gate("text", GateSettings(model=Path("text"), threshold=1.0)) as gate:
        assert (await gate.judge(b"\xff\xd8 truncated")).sent


def test_gate_that_is_not_configured_is_refused():
    with pytest.raises(ConfigError, match=r"there is no \[gates.txt\]"):
        make_gate("txt", {"text": GateSettings(model=Path("text"))})


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"model": "text", "tf_serving": "http://127.0.0.1:1/v1/models/a:predict", "threshold": 0.5},
        {"tf_serving": "http://127.0.0.1:1/v1/models/a:predict"},
        {"tf_serving": "ftp://127.0.0.1/v1/models/a:predict", "threshold": 0.5},
        {"tf_serving": "http://me:secret@127.0.0.1/v1/models/a:predict", "threshold": 0.5},
        {"model": "text", "audit_share": 1.5},
    ],
)
def test_settings_that_fit_no_gate_are_refused(wrong):
    with pytest.raises(ValidationError):
        GateSettings.model_validate(wrong)
