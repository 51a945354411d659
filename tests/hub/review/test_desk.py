"""The desk gives out events and takes verdicts; the hub makes amendments of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hub.dataset.choice import Choice, choose
from hub.errors import StoreError
from hub.event import Box, Detection, Model
from hub.review.desk import open_desk
from hub.review.error import HeldError, ReviewError
from hub.store.review_queue import ReviewFilter

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


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


async def test_event_before_one_reviewer_is_nobody_elses_until_it_is_given_back(bench, desk):
    ids = await bench.add(4)
    anna, ben = await desk.take("anna", count=2), await desk.take("ben", count=9)
    assert [task.event.id for task in anna] == ids[:2]
    assert [task.event.id for task in ben] == ids[2:]
    assert await desk.take("carol") == []

    await desk.release("anna")
    assert [task.event.id for task in await desk.take("carol", count=9)] == ids[:2]


async def test_reviewer_who_vanishes_loses_what_was_before_him(bench, desk, clock):
    (event_id,) = await bench.add()
    await desk.take("anna")
    clock.advance(minutes=10, seconds=1)
    (task,) = await desk.take("ben")
    assert task.event.id == event_id

    with pytest.raises(HeldError, match=f"event {event_id} is before ben now"):
        await desk.accept(event_id, "anna")
    await desk.accept(event_id, "ben")
    assert (await desk.state(event_id)).word.reviewer == "ben"


async def test_what_was_reviewed_or_skipped_does_not_come_again_to_the_same(bench, desk):
    first, second, third = await bench.add(3)
    await desk.accept(first, "anna")
    await desk.skip(second, "anna")
    assert [task.event.id for task in await desk.take("anna", count=9)] == [third]
    await desk.release("anna")

    assert [task.event.id for task in await desk.take("ben", count=9)] == [second, third]


async def test_captured_events_come_first_and_the_others_newest_first_if_asked_for(bench, desk):
    others = await bench.add(2, captured=False)
    dull, good = await bench.add(2)
    bench.store.sql("UPDATE captures SET score = 9 WHERE event_id = ?", good)
    await bench.add(1, captured=False, frame=None)

    assert [task.event.id for task in await desk.list_waiting("anna")] == [good, dull]
    found = await desk.list_waiting("anna", ReviewFilter(every=True))
    assert [task.event.id for task in found] == [good, dull, *reversed(others)]


async def test_others_are_counted_up_to_a_bound(bench, desk, monkeypatch):
    monkeypatch.setattr("hub.store.review_queue.MOST_COUNTED", 2)
    await bench.add(2)
    assert await desk.count_others("anna") == 0
    await bench.add(2, captured=False)
    assert await desk.count_others("anna") == 2
    await bench.add(2, captured=False)
    assert await desk.count_others("anna") == 3


async def test_event_that_two_instances_captured_comes_once(bench, desk):
    (event_id,) = await bench.add()
    bench.capture(event_id, plugin="other", reasons=("rare", "near_threshold"))
    (task,) = await desk.take("anna", count=9)

    assert task.reasons == ("near_threshold", "rare")


DOG = (Detection(label="dog", confidence=0.55),)


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        ({"label": "dog", "max_confidence": 0.6}, 2),
        ({"device": "attic"}, 2),
        ({"min_confidence": 0.5, "max_confidence": 0.6}, 2),
        ({"model": "thumbs"}, 1),
        ({"model": "thumbs 2"}, 1),
        ({"model": "thumbs 3"}, 0),
        ({"reason": "rare"}, 2),
        ({"since": NOW + timedelta(hours=1)}, 2),
        ({"until": NOW + timedelta(hours=1)}, 1),
        ({"label": "' OR 1=1 --"}, 0),
    ],
)
async def test_filter_lets_through_what_is_asked_for(bench, desk, wanted, number):
    cup = (Detection(label="cup", confidence=0.9), Detection(label="dog", confidence=0.7))
    await bench.add(model=Model(name="thumbs", version="2"), detections=cup)
    (other,) = await bench.add(
        captured=False, device="attic", detections=DOG, captured_at=NOW + timedelta(hours=1)
    )
    bench.capture(other, reasons=("random", "rare"))
    bench.store.sql("UPDATE captures SET device = 'attic' WHERE event_id = ?", other)
    found = [task.event.id for task in await desk.list_waiting("anna", ReviewFilter(**wanted))]

    assert found == ([] if number == 0 else [number])


async def test_undo_without_an_event_takes_back_the_last_word_and_gives_the_event_again(bench, desk):
    first, second = await bench.add(2)
    await desk.accept(first, "anna")
    await desk.reject(second, "anna")
    word = await desk.undo("anna")

    assert (word.event_id, word.verdict) == (second, "rejected")
    assert await desk.take("ben", count=9) == []
    assert [task.event.id for task in await desk.take("anna", count=9)] == [second]
    await desk.undo("anna", first)
    with pytest.raises(ReviewError, match="anna has said nothing that could be undone"):
        await desk.undo("anna")


async def test_undo_takes_back_the_word_that_came_last_when_the_clock_was_set_back(bench, desk, clock):
    first, second = await bench.add(2)
    await desk.accept(first, "anna")
    clock.advance(hours=-1)
    await desk.reject(second, "anna")
    assert (await desk.undo("anna")).event_id == second


async def test_word_that_is_taken_back_before_it_is_applied_leaves_no_trace_in_the_log(bench, desk):
    (event_id,) = await bench.add()
    await desk.reject(event_id, "anna")
    await desk.undo("anna")
    await bench.apply()

    assert await bench.amendments(event_id) == []
    assert bench.store.sql("SELECT COUNT(*) FROM reviews WHERE applied_at IS NULL") == [(0,)]


async def test_machine_says_later_what_it_likes_and_the_persons_word_stands(
    bench, desk, arrivals, found, soon
):
    key = "frigate:house:1"
    (event_id,) = await bench.add(key=key, attributes={"camera": "porch", "review": "1764.2-abc"})
    await desk.correct(event_id, "anna", found[:1])
    await bench.apply()
    later = {"camera": "porch", "review": "1764.2-xyz", "ended": True}
    said = arrivals.event(key=key, kind="amendment", detections=DOG, attributes=later, source="deeplens")
    await soon(bench.store.add(arrivals.plain(said)))

    view = await bench.view(event_id)
    assert view.detections == found[:1]
    assert (view.attributes["review"], view.attributes["ended"]) == ("corrected", True)
    await desk.undo("anna")
    await bench.apply()
    view = await bench.view(event_id)
    assert view.detections == found
    assert view.attributes == {"camera": "porch", "review": "1764.2-abc", "ended": True}


async def test_imported_event_is_accepted_again_once_a_rejection_is_taken_back(bench, desk):
    (event_id,) = await bench.add(attributes={"review": "accepted", "reviewed_by": "dataset"})
    before = await bench.view(event_id)
    assert await desk.list_waiting("anna", ReviewFilter(every=True)) != []
    await desk.reject(event_id, "anna")
    await bench.apply()
    assert (await bench.view(event_id)).attributes["reviewed_by"] == "anna"
    await desk.undo("anna")
    await bench.apply()

    assert await bench.view(event_id) == before


async def test_verdict_is_of_the_event_when_an_amendment_is_named(bench, desk):
    (event_id,) = await bench.add()
    await desk.accept(event_id, "anna")
    await bench.apply()
    (amendment,) = await bench.amendments(event_id)
    await desk.reject(amendment, "anna")
    await bench.apply()

    assert (await bench.view(event_id)).attributes["review"] == "rejected"


async def test_verdicts_are_applied_without_a_hub_when_the_desk_closes(tmp_path, make_store, make_bench):
    store = make_store(tmp_path / "alone")
    await store.open()
    bench = make_bench(store)
    (event_id,) = await bench.add()
    await store.close()
    async with open_desk(store.data_dir) as alone:
        await alone.correct(event_id, "anna", ())
    await store.open()
    try:
        assert (await bench.view(event_id)).detections == ()
    finally:
        await store.close()


async def test_refusals_name_what_is_wrong(bench, desk, found):
    (event_id,) = await bench.add()
    (crowded,) = await bench.add(attributes={f"a{n}": n for n in range(62)})

    def one(**box):
        return (
            Detection(
                label="x", confidence=1, box=Box(**({"left": 0, "top": 0, "width": 0.5, "height": 0.5} | box))
            ),
        )

    for said, why in [
        (one(width=0), "no area"),
        (one(left=1.5), "wholly outside"),
        (one(left=-0.7), "wholly outside"),
        (one() * 10_000, "10000 boxes: an event has at most 1000"),
    ]:
        with pytest.raises(ReviewError, match=why):
            await desk.correct(event_id, "anna", said)
    with pytest.raises(ReviewError, match="62 attributes leave no place"):
        await desk.accept(crowded, "anna")
    with pytest.raises(ReviewError, match="no event 99"):
        await desk.accept(99, "anna")
    for name in ("", " ", "a\nb", "\x1b[31m", "x" * 65, "a,b", "\u202eanna"):
        with pytest.raises(ReviewError, match="a name has 1 to 64"):
            await desk.accept(event_id, name)
    for note in ("\x1b]0;x\x07", "x" * 501, "a\x00b", "\ud800"):
        with pytest.raises(ReviewError, match="at most 500 signs"):
            await desk.accept(event_id, "anna", note=note)
    assert bench.store.sql("SELECT COUNT(*) FROM reviews") == [(0,)]


async def test_box_over_the_edge_is_cut_off_there_and_what_was_there_before_is_left(bench, desk):
    out = Detection(label="cup", confidence=0.9, box=Box(left=-0.1, top=0, width=0.3, height=1.5))
    (event_id,) = await bench.add(detections=(out,))
    new = Detection(label="dog", confidence=1, box=Box(left=0.5, top=0.5, width=1, height=1))
    await desk.correct(event_id, "anna", (out, new))
    (word,) = (await desk.state(event_id)).words

    assert word.detections == (
        out,
        new.model_copy(update={"box": Box(left=0.5, top=0.5, width=0.5, height=0.5)}),
    )


async def test_store_that_cannot_be_used_is_told_in_a_line(bench, desk):
    bench.store.sql("ALTER TABLE reviews RENAME TO gone")
    for work in (desk.take("anna"), desk.undo("anna"), desk.count("anna")):
        with pytest.raises(StoreError, match=r"hub\.sqlite: cannot be used: no such table: reviews"):
            await work
    bench.store.sql("ALTER TABLE gone RENAME TO reviews")


async def test_desk_without_a_store_says_what_makes_one(tmp_path):
    with pytest.raises(StoreError, match="there is no store yet; `lenshub run` makes it"):
        async with open_desk(tmp_path):
            pass
