"""The birdhouse on a store of its own."""

from __future__ import annotations

import pytest
from lenshub_birdhouse import Birdhouse

from hub.errors import PayloadError
from hub.testing import FAULTS, make_event, make_message


async def test_visit_over_mqtt_is_decoded(run_plugin):
    async with run_plugin(Birdhouse) as stage:
        (event,) = stage.decode(make_message("robin;0.93", "birds/oak/seen")).events

    assert (event.device, event.key, event.detections[0].label) == ("oak", None, "robin")


@pytest.mark.parametrize("payload", ["robin;much", "robin;7", ";1", "robin;nan", b"\xff\x00;1"])
async def test_visit_that_cannot_be_read_is_refused(run_plugin, payload):
    async with run_plugin(Birdhouse) as stage:
        with pytest.raises(PayloadError, match="bad_visit: expected species;confidence"):
            stage.decode(make_message(payload, "birds/oak/seen"))


async def test_journal_is_taken_line_by_line_and_not_again(run_plugin, tmp_path):
    journal = tmp_path / "attic.log"
    journal.write_text("robin;0.9\nwren;0.8\nhalf a li")
    async with run_plugin(Birdhouse, journal=str(journal)) as stage:
        taken = [decoded.events[0] for decoded in await stage.take(2)]
        journal.write_text("robin;0.9\nwren;0.8\nmagpie;1\n")
        taken += [decoded.events[0] for decoded in await stage.take(1)]

    assert [event.detections[0].label for event in taken] == ["robin", "wren", "magpie"]
    assert [event.key for event in taken] == [f"birdhouse:journal/attic/{n}" for n in (1, 2, 3)]


@pytest.mark.parametrize("fault", FAULTS)
async def test_visit_becomes_one_page_whatever_goes_wrong(run_plugin, fault):
    async with run_plugin(Birdhouse) as stage:
        *_, last = await stage.deliver(make_event("robin", device="oak"), fault=fault)
        pages = [page.read_text() for page in (stage.data_dir / "diary").rglob("*.txt")]

    assert (last.outcome, pages) == ("done", ["robin visits oak\n"])
