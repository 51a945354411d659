"""`lenshub gate`: what a gate is worth, from what it decided and what DetectText then found."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import cv2
import pytest

from hub.event import Detection, NewEvent
from hub.store.gate_decisions import Decision, note_decision

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PUBLISHED = (
    *("gate", "savings", "--with-text", "369610", "--without-text", "327180"),
    *("--precision", "0.9164463572087304", "--recall", "0.950031867431485"),
)


@pytest.fixture
def toml(folder):
    Path("hub.toml").write_text('[gates.text]\nmodel = "text"\nthreshold = 0.5\nprice = 0.01\n')


async def fill(data, arrivals):
    """Store 20 pictures: 10 scored 0.9, 8 of them text; of 10 scored 0.1 four audited, one with text."""
    for number in range(20):
        passed, key = number < 10, f"photo-{number}"
        audit = 10 <= number < 14
        decision = Decision("r", "text", key, 0.9 if passed else 0.1, 0.5, passed, audit, NOW)
        await data.writer.change(lambda connection, one=decision: note_decision(connection, one))
        if passed or audit:
            said = (Detection(label="OPEN DAILY", confidence=0.995, attributes={"operation": "text"}),)
            has_text = number < 8 or number == 10
            event = NewEvent(
                key=key,
                source="r",
                device="photos",
                captured_at=NOW,
                detections=said if has_text else (),
                attributes={"operations": ["text"]},
            )
            await data.add(arrivals.plain(event))


async def test_savings_are_printed_as_published_and_the_mistake_is_told(lenshub):
    ran = lenshub(*PUBLISHED, "--json")
    assert ran.stdout == '{"predicted_calls": 393013, "saved_calls": 303777, "saved_share": 0.436}\n'
    assert "the wrong way round" in ran.stderr.replace("\n", " ")
    people = lenshub(*PUBLISHED)
    assert "393,013" in people.stdout
    assert "recall of the class" in people.stdout


async def test_report_tells_precision_recall_and_what_was_saved(lenshub, toml, data, arrivals):
    await fill(data, arrivals)
    told = json.loads(lenshub("gate", "report", "--json").stdout)["report"]
    assert (told["passed"], told["refused"], told["audited"]) == (10, 10, 4)
    assert told["precision"] == 0.8
    assert told["recall"] == pytest.approx(8 / (8 + 2.5))
    assert told["recall_interval"][0] < told["recall"] < told["recall_interval"][1]
    assert (told["saved_calls"], told["saved_money"]) == (6, pytest.approx(0.06))
    people = lenshub("gate", "report", "text").stdout
    assert "0.8000 (95 %:" in people
    assert "6 (30.0%)" in people
    assert "USD 0.0600, at USD 0.0100 a picture" in people
    assert "Money is reckoned at the price of [gates.text], whatever the plugins pay." in people


@pytest.fixture
def priceless(folder):
    Path("hub.toml").write_text('[gates.text]\nmodel = "text"\nthreshold = 0.5\n')


async def test_report_says_that_the_price_is_the_default_where_none_is_set(
    lenshub, priceless, data, arrivals
):
    await fill(data, arrivals)
    said = lenshub("gate", "report").stdout
    assert "Money is reckoned at the default price, as [gates.text] sets none" in said


async def test_explain_tells_what_a_gate_decided_of_the_picture(lenshub, toml, data, arrivals):
    await fill(data, arrivals)
    assert "Gate text: score 0.9, threshold 0.5, passed." in lenshub("explain", "1").stdout
    assert "refused, but sent to audit." in lenshub("explain", "11").stdout
    assert json.loads(lenshub("explain", "11", "--json").stdout)["gates"][0]["audit"] is True


async def test_report_draws_the_curve(lenshub, toml, data, arrivals):
    await fill(data, arrivals)
    ran = lenshub("gate", "report", "--png", "curve.png")
    assert ran.exit_code == 0, ran.output
    assert cv2.imread("curve.png").shape == (600, 960, 3)


async def test_tune_chooses_the_threshold_that_keeps_the_recall(lenshub, toml, data, arrivals):
    await fill(data, arrivals)
    told = json.loads(lenshub("gate", "tune", "--min-recall", "0.75", "--json").stdout)
    assert told["best"]["threshold"] == 0.9
    told = json.loads(lenshub("gate", "tune", "--min-recall", "0.95", "--json").stdout)
    assert told["best"]["threshold"] == 0.1
    assert "threshold = 0.1 in [gates.text]" in lenshub("gate", "tune", "text").stdout


async def test_report_of_a_gate_that_is_not_there_is_refused(lenshub, toml, data):
    ran = lenshub("gate", "report", "txt")
    assert ran.exit_code == 2
    assert "there is no [gates.txt] in hub.toml (text)" in ran.stderr
    assert "has decided nothing yet" in lenshub("gate", "tune", "text").stderr


def test_check_names_a_gate_that_is_missing_and_a_model_that_is(lenshub, folder):
    Path("hub.toml").write_text(
        '[gates.text]\nmodel = "nowhere"\n[plugins.inbox]\n[plugins.inbox.images]\ngate = "txt"\n'
    )
    said = lenshub("check").stderr
    assert "gates.text.model:" in said
    assert "plugins.inbox.images.gate: there is no [gates.txt]" in said
