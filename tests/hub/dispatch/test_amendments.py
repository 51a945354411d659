"""Who asks for amendments gets each as its event stood then; nobody else does."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from hub.dispatch.instance import InstanceSettings
from hub.dispatch.replay import foresee
from hub.explain import explain_event
from hub.store.plugin_state import note_match
from hub.store.replays import Replay


@pytest.fixture
def told(arrivals):
    """A plain message that says something of the event with the key `k`."""

    def make(attributes):
        members = {"kind": "amendment", "key": "k", "source": "frigate", "attributes": attributes}
        return arrivals.plain(arrivals.event("house", **members))

    return make


@pytest.fixture
def seen():
    return []


@pytest.fixture
def deliver(seen):
    async def note(event, _frame, _delivery):
        seen.append((event.id, event.kind, event.amends, event.attributes))

    return note


@pytest.fixture
async def stored(store, told, soon):
    """An event and its amendment."""
    await soon(store.add(told({"zone": "drive"}), told({"ended": True})))


@pytest.mark.usefixtures("stored")
async def test_instance_that_does_not_ask_gets_the_first_row_only(start, deliver, seen, wait_until):
    running = await start(deliver)
    await wait_until(lambda: running.cursor() == (2, 1, 1))

    assert seen == [(1, "event", None, {"zone": "drive"})]


@pytest.mark.parametrize("late", [True, False])
async def test_instance_that_asks_gets_each_row_as_the_event_stood(
    store, start, told, soon, deliver, seen, wait_until, late
):
    """Early, they come from the tail; later from the table."""
    arrivals = told({"zone": "drive"}), told({"ended": True})
    if late:
        await soon(store.add(*arrivals))
        await store.reopen()
    running = await start(deliver, amendments=True)
    if not late:
        await soon(store.add(*arrivals))
    await wait_until(lambda: running.cursor() == (2, 2, 0))

    assert seen == [
        (1, "event", None, {"zone": "drive"}),
        (2, "amendment", 1, {"zone": "drive", "ended": True}),
    ]


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(("asked", "delivered"), [(True, [1, 2]), (False, [1])])
async def test_replay_delivers_amendments_to_who_asks(store, start, deliver, wait_until, asked, delivered):
    running = await start(deliver, amendments=asked)
    await wait_until(lambda: running.cursor()[0] == 2)
    settings = InstanceSettings(amendments=asked)
    replay = Replay(1, "p", 1, 2, 10.0, again=True, any_age=True)
    found = await foresee(store.log, replay, settings, running.clock())

    assert found["delivered"] == delivered


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("asked_until", "explanation"),
    [
        (3, ("done", "")),
        (2, ("skipped", "filter: amends event 1, and the instance does not ask for amendments")),
    ],
)
async def test_explain_tells_by_what_held_when_the_amendment_came(
    store, start, deliver, wait_until, asked_until, explanation
):
    running = await start(deliver, amendments=True)
    await wait_until(lambda: running.cursor()[0] == 2)
    asked = InstanceSettings(amendments=True).match.model_dump(mode="json", exclude_defaults=True)
    await store.writer.change(lambda c: note_match(c, "p", 1, asked))
    await store.writer.change(lambda c: note_match(c, "p", asked_until, {}))
    (row,) = await store.log.by_ids([2])
    (explained,) = await explain_event(store.engine, row)

    assert (explained.outcome, explained.reason) == explanation


def test_setting_says_where_it_belongs_when_it_is_in_the_match():
    with pytest.raises(ValidationError, match="is set beside match"):
        InstanceSettings(match={"amendments": True})
