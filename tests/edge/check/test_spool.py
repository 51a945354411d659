"""What a check says of the spool, without making or changing one."""

from __future__ import annotations

import shutil
import sqlite3
from types import SimpleNamespace

import pytest

from edge.check.spool import check_spool, claimed
from edge.config import AgentTable
from edge.spool import Spool


@pytest.fixture
def agent(tmp_path):
    return AgentTable(device="cam-1", spool=tmp_path / "spool.db", quota_bytes=2**20)


def test_spool_that_is_missing_can_be_made_and_is_not(agent):
    found = check_spool(agent, running=False)

    assert [(finding.state, "can be made" in finding.text) for finding in found] == [("ok", True)]
    assert not agent.spool.exists()


def test_spool_tells_what_waits(agent):
    with Spool.open(agent.spool) as spool:
        spool.append(b"{}")

    assert "1 not yet with the hub" in check_spool(agent, running=False)[0].text


@pytest.mark.parametrize("content", [b"no database, but long enough to be read as one" * 50, b""])
def test_spool_that_is_none_is_named(agent, content):
    agent.spool.write_bytes(content)
    found = check_spool(agent, running=False)

    assert found[0].state == ("wrong" if content else "ok")


def test_spool_of_a_later_version_is_named(agent):
    with sqlite3.connect(agent.spool) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()

    assert "has version 99" in check_spool(agent, running=False)[0].text


@pytest.mark.parametrize(("free", "state"), [(2**20, "wrong"), (2**24 + 2**19, "note")])
def test_spool_says_that_its_disk_has_no_room(agent, monkeypatch, free, state):
    agent = agent.model_copy(update={"quota_bytes": 2**30})
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))

    assert check_spool(agent, running=False)[-1].state == state


def test_spool_is_not_claimed_while_an_agent_has_it(agent):
    with claimed(agent.spool) as free:
        assert free
    with Spool.open(agent.spool), claimed(agent.spool) as free:
        assert not free
    with claimed(agent.spool) as free, pytest.raises(Exception, match="another agent has this spool open"):
        Spool.open(agent.spool)
    assert free
