"""The kill test, small: nothing is lost, and each mutant of the hub is found out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parent / "kill.py"
SEEDS = (6, 10, 2)  # plans that kill hub and broker in pairs; a mutant may survive one by luck

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("mosquitto_path")]


def run(*options: object) -> dict[str, Any]:
    """Return the summary of a run; a run that breaks off fails the test."""
    command = [sys.executable, str(PROGRAM), *map(str, options)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def found_out(fault: str, *options: object) -> bool:
    """Whether a run with a mutant shows the fault."""
    return any(run(*options, "--seed", seed)[fault] > 0 for seed in SEEDS)


def test_spooled_records_are_stored_once_and_in_order_when_hub_agents_and_broker_are_killed():
    summary = run("--events", 3000, "--kills", 2)

    assert summary["passed"], summary


def test_acknowledged_messages_of_a_plain_client_are_stored_when_the_hub_is_killed():
    summary = run("--leg", "plain", "--events", 2000, "--kills", 2)

    assert summary["passed"], summary


IDENTICAL = ("--leg", "identical", "--events", 1500, "--kills", 5, "--rate", 300)


def test_messages_that_nothing_tells_apart_are_stored_exactly_when_the_hub_is_killed():
    summary = run(*IDENTICAL, "--mutant", "slow")

    assert summary["passed"], summary
    assert summary["redelivered_and_dropped"] > 0


def test_a_hub_that_stores_every_redelivery_is_found_out():
    assert found_out("surplus", "--mutant", "repeats-kept", *IDENTICAL)


def test_a_hub_that_knows_redeliveries_by_their_content_is_found_out():
    assert found_out("missing", "--mutant", "repeats-by-content", *IDENTICAL)


def test_a_hub_that_tells_agents_before_it_commits_is_found_out():
    options = ("--roles", "hub", "broker", "--together", 1, "--events", 1500, "--kills", 3)

    assert found_out("lost", "--mutant", "ack-before-commit", *options)


def test_a_hub_that_acknowledges_to_the_broker_on_arrival_is_found_out():
    options = ("--leg", "plain", "--events", 1000, "--kills", 2)

    assert found_out("lost", "--mutant", "puback-on-arrival", *options)


def test_a_hub_that_admits_every_record_is_found_out():
    options = ("--roles", "hub", "--events", 1000, "--kills", 2)

    assert found_out("twice", "--mutant", "admission-off", *options)


ARCHIVED = ("--leg", "archived", "--events", 40, "--kills", 2)
TWEETED = ("--leg", "tweeted", "--events", 60, "--kills", 3)
ALERTED = ("--leg", "alerted", "--events", 60, "--kills", 3)


def test_objects_equal_events_when_the_hub_is_killed_while_it_uploads():
    summary = run(*ARCHIVED)

    assert summary["passed"], summary
    assert summary["objects"] == 3 * summary["events"] + 1


def test_a_hub_that_says_archived_before_it_is_so_is_found_out():
    assert found_out("missing", "--mutant", "objects-later", *ARCHIVED)


def test_events_are_tweeted_at_most_once_and_the_unknown_ones_listed_when_the_hub_is_killed():
    summary = run(*TWEETED)

    assert summary["passed"], summary
    assert summary["tweets"] >= summary["done"] > 0
    assert summary["unknown"] == len(summary["unknown_events"]) > 0


def test_a_hub_that_keeps_no_ledger_is_found_out():
    assert found_out("twice", "--mutant", "ledger-off", *TWEETED)


def test_webhooks_lose_nothing_and_each_alert_has_one_key_when_the_hub_is_killed():
    summary = run(*ALERTED)

    assert summary["passed"], summary
    assert summary["keys"] == 2 * summary["alerts"]


def test_a_hub_that_gives_an_alert_another_key_at_each_attempt_is_found_out():
    assert found_out("with_several_keys", "--mutant", "keys-anew", *ALERTED)
