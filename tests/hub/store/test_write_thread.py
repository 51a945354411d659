"""Transactions in the writing thread are made whole or not at all."""

from __future__ import annotations

import asyncio
import threading

import pytest
from sqlalchemy import insert, select

from hub.store import schema
from hub.store.database import open_write_engine, upgrade
from hub.store.write_thread import WriteThread

STATE = {"plugin": "p", "state": "running", "reason": "", "since": schema.datetime.now(schema.UTC)}


@pytest.fixture
async def thread(tmp_path):
    upgrade(tmp_path)
    thread = WriteThread(open_write_engine(tmp_path))
    yield thread
    await thread.close()


def write(connection):
    connection.execute(insert(schema.plugin_states), [STATE])
    return threading.current_thread().name


def count(connection):
    return len(connection.execute(select(schema.plugin_states)).all())


async def test_write_thread_commits_what_ends_well_and_returns_its_result(thread):
    name = await thread.transact(write)

    assert name.startswith("writer")
    assert await thread.attempt(count) == 1


async def test_write_thread_rolls_back_what_fails_and_goes_on(thread):
    def fail(connection):
        write(connection)
        raise ValueError("my mistake")

    with pytest.raises(ValueError, match="my mistake"):
        await thread.transact(fail)
    await thread.transact(write)

    assert await thread.attempt(count) == 1


async def test_write_thread_rolls_back_an_attempt(thread):
    await thread.attempt(write)

    assert await thread.attempt(count) == 0


async def test_write_thread_runs_one_transaction_after_the_other(thread):
    inside = []

    def alone(connection):
        inside.append("in")
        connection.execute(select(schema.plugin_states))
        inside.append("out")

    await asyncio.gather(*(thread.transact(alone) for _ in range(20)))

    assert inside == ["in", "out"] * 20


async def test_write_thread_ends_the_transaction_of_an_asker_who_has_gone(thread, wait_until):
    begun, go_on = threading.Event(), threading.Event()

    def slow(connection):
        write(connection)
        begun.set()
        go_on.wait(30)

    asker = asyncio.create_task(thread.transact(slow))
    await asyncio.to_thread(begun.wait, 30)
    asker.cancel()
    go_on.set()

    assert await thread.attempt(count) == 1
