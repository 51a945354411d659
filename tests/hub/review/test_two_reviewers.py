"""Two people see a share of the events, neither knows what the other said; disputes are settled."""

from __future__ import annotations

import pytest

from hub.dataset.choice import Choice, choose
from hub.event import Detection
from hub.review.overview import read_overview
from hub.review.settings import ReviewSettings
from hub.store.review_queue import ReviewFilter, is_for_two


@pytest.fixture
def bench(bench):
    """A bench whose desk gives every event to two."""
    bench.settings = ReviewSettings(second_share=1)
    return bench


def shift(found: Detection, by: float) -> Detection:
    box = found.box.model_copy(update={"left": found.box.left + by})
    return found.model_copy(update={"box": box})


async def see(bench, event_id):
    await bench.apply()
    view = await bench.view(event_id)
    return view.attributes["review"], view.attributes["reviewed_by"], view.detections


async def test_second_reviewer_sees_the_event_as_it_was_and_nobody_is_asked_a_third_time(bench, desk, found):
    (event_id,) = await bench.add()
    await desk.correct(event_id, "anna", (), note="empty")
    await bench.apply()
    (task,) = await desk.take("ben")
    assert task.event.detections == found
    assert task.event.attributes == {}
    assert task.words == ()

    await desk.correct(event_id, "ben", ())
    assert await desk.take("anna") == await desk.take("carol") == []


@pytest.mark.parametrize("way", ["same", "nearly"])
async def test_agreeing_word_leaves_the_first_one_standing_and_names_both(bench, desk, found, way):
    (event_id,) = await bench.add()
    await desk.accept(event_id, "anna")
    if way == "same":
        await desk.accept(event_id, "ben")
    else:
        await desk.correct(event_id, "ben", (shift(found[0], 0.01), found[1]))

    assert await see(bench, event_id) == ("accepted", "anna, ben", found)
    agreement = await desk.agreement()
    assert (agreement.events, agreement.same, agreement.disagreements) == (1, 1.0, ())


async def test_later_word_does_not_win_and_the_third_settles(bench, desk, found):
    (event_id,) = await bench.add()
    await desk.correct(event_id, "anna", found[:1])
    await desk.reject(event_id, "ben", note="blurred")
    assert await see(bench, event_id) == ("disputed", "anna, ben", found)
    assert await desk.take("carol") == []
    (task,) = await desk.take_disputed("carol")
    assert [(word.reviewer, word.verdict) for word in task.words] == [
        ("anna", "corrected"),
        ("ben", "rejected"),
    ]
    assert await desk.take_disputed("dora") == []

    await desk.correct(event_id, "carol", found[1:])
    assert await see(bench, event_id) == ("corrected", "carol", found[1:])
    assert await desk.take_disputed("dora") == []
    await desk.accept(event_id, "anna")
    assert (await see(bench, event_id))[1] == "carol"
    (one,) = (await desk.agreement()).disagreements
    assert (one.event_id, one.verdicts, one.settled_by) == (event_id, ("corrected", "rejected"), "carol")


async def test_dispute_that_was_skipped_comes_not_again_to_the_same_until_it_is_a_new_one(bench, desk):
    first, second = await bench.add(2)
    for event_id in (first, second):
        await desk.accept(event_id, "anna")
        await desk.skip(event_id, "carol")  # before there was a dispute
        await desk.reject(event_id, "ben")

    async def take(reviewer):
        found = [task.event.id for task in await desk.take_disputed(reviewer)]
        await desk.release(reviewer)
        return found

    await desk.skip(first, "carol")
    assert await take("carol") == [second]
    assert (await desk.count("carol")).disputed == 1
    await desk.skip(second, "carol")
    assert await take("carol") == []
    assert await take("dora") == [first]

    await desk.undo("carol", second)
    assert await take("carol") == [second]


async def test_one_of_two_may_settle_by_a_further_word(bench, desk, found):
    (event_id,) = await bench.add()
    await desk.accept(event_id, "anna")
    await desk.reject(event_id, "ben")
    await desk.accept(event_id, "ben")

    assert await see(bench, event_id) == ("accepted", "ben", found)


async def test_dispute_ends_when_one_of_two_takes_back_what_he_said(bench, desk, found):
    (event_id,) = await bench.add()
    await desk.correct(event_id, "anna", ())
    await desk.reject(event_id, "ben")
    await bench.apply()
    await desk.undo("ben")

    assert await see(bench, event_id) == ("corrected", "anna", ())


async def test_agreement_is_told_in_percent_kappa_and_overlap(bench, desk, found):
    first, second, third, fourth = await bench.add(4)
    for event_id in (first, second):
        await desk.accept(event_id, "anna")
        await desk.accept(event_id, "ben")
    await desk.reject(third, "anna")
    await desk.reject(third, "ben")
    mug = found[0].model_copy(update={"label": "mug"})
    await desk.accept(fourth, "anna")
    await desk.correct(fourth, "ben", (mug,))
    agreement = await desk.agreement()

    assert (agreement.events, agreement.same) == (4, 0.75)
    assert agreement.verdict_kappa == pytest.approx((0.75 - 0.4375) / (1 - 0.4375))
    assert agreement.label_kappa == pytest.approx((4 / 6 - 12 / 36) / (1 - 12 / 36))
    assert agreement.mean_overlap == 1.0


async def test_disputed_event_is_left_out_of_a_dataset_by_its_own_reason(bench, desk):
    (event_id,) = await bench.add()
    await desk.accept(event_id, "anna")
    await desk.reject(event_id, "ben")
    await bench.apply()

    left_out = (await choose(bench.store.log, Choice())).left_out
    assert left_out == {"disputed (`lenshub review --disputed`)": 1}


async def test_overview_lists_the_dispute_that_two_others_began_after_two_agreed(bench, desk):
    (event_id,) = await bench.add()
    await desk.accept(event_id, "anna")
    await desk.accept(event_id, "ben")
    await desk.reject(event_id, "carol")
    assert (await desk.state(event_id)).state == "disputed"

    overview = await read_overview(desk)
    (one,) = overview.disputed
    assert (one.event_id, one.reviewers, one.verdicts) == (
        event_id,
        ("anna", "carol"),
        ("accepted", "rejected"),
    )
    assert overview.agreement.same == 1.0


async def test_overview_counts_as_waiting_what_the_queue_gives_also_after_the_share_was_changed(
    bench, desk, clock
):
    first, second = await bench.add(2)
    await desk.accept(first, "anna")
    desk.settings = ReviewSettings(second_share=0)

    (reason,) = (await read_overview(desk)).reasons
    assert (reason.waiting, reason.done) == (1, 1)
    assert [task.event.id for task in await desk.list_waiting("ben")] == [second]


async def test_agreement_without_events_is_not_known(desk):
    agreement = await desk.agreement()

    assert (agreement.events, agreement.same, agreement.verdict_kappa) == (0, None, None)


def test_share_for_two_is_the_same_for_everybody_and_as_large_as_said():
    chosen = [event_id for event_id in range(1, 10_001) if is_for_two(event_id, 0.1)]

    assert 990 <= len(chosen) <= 1010
    assert not any(is_for_two(event_id, 0) for event_id in range(1000))
    assert all(is_for_two(event_id, 1) for event_id in range(1000))


@pytest.mark.parametrize("event_id", [1, 2, 2**31 - 1, 2**40 + 7])
async def test_database_chooses_the_same_share_for_two(bench, desk, event_id):

    await bench.add()
    bench.store.sql("UPDATE captures SET event_id = ?", event_id)
    bench.store.sql("PRAGMA foreign_keys = OFF")
    bench.store.sql("UPDATE events SET id = ? WHERE id = 1", event_id)
    for share in (0.1, 0.5, 0.7):
        object.__setattr__(desk, "settings", ReviewSettings(second_share=share))
        await desk.accept(event_id, "anna")
        bench.store.sql("UPDATE captures SET closed_at = NULL")
        waits = bool(await desk.list_waiting("ben", ReviewFilter()))
        assert waits == is_for_two(event_id, share)
        await desk.undo("anna")
        await desk.release("anna")
