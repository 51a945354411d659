"""The desk gives out events and takes verdicts; the hub makes amendments of them."""

from __future__ import annotations

import pytest

from hub.dataset.choice import Choice, choose
from hub.event import Box, Detection


async def test_accepted_event_is_amended_and_exported(bench, desk, found):
    first, second = await bench.add(2)
    (task,) = await desk.take("anna")
    await desk.accept(task.event.id, "anna", note="clear")
    await desk.reject(second, "anna")
    await bench.apply()

    chosen = await choose(bench.store.log, Choice())
    assert [event.id for event in chosen.events] == [first]
    assert chosen.left_out["rejected in review"] == 1
    assert chosen.events[0].detections == found
    said = {
        name: chosen.events[0].attributes[name] for name in ("review", "reviewed_by", "review_note", "chosen")
    }
    assert said == {
        "review": "accepted",
        "reviewed_by": "anna",
        "review_note": "clear",
        "chosen": "near_threshold",
    }
    assert chosen.events[0].attributes["reviewed_at"].startswith("2026-11-22T09:00:00.")
    assert await bench.amendments(first) == [3]


@pytest.mark.parametrize(
    "left", [(), (Detection(label="mug", confidence=1, box=Box(left=0, top=0, width=1, height=1)),)]
)
async def test_corrected_event_has_exactly_the_reviewers_detections_and_undo_brings_back_what_was(
    bench, desk, found, left
):
    (event_id,) = await bench.add()
    before = await bench.view(event_id)
    await desk.correct(event_id, "anna", left)
    await bench.apply()
    assert (await bench.view(event_id)).detections == left

    await desk.undo("anna")
    await bench.apply()
    after = await bench.view(event_id)
    assert after.attributes == {"review": "open"}
    assert after.model_copy(update={"attributes": {}}) == before
    assert after.detections == found
    assert len(await bench.amendments(event_id)) == 2
