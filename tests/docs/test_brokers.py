"""docs/brokers.md: every configuration loads, and the policies allow exactly what agent and hub do."""

from __future__ import annotations

import json
import re
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from edge.config import AgentConfig
from hub.config import Config
from hub.wire.protocol import UPWARD_FILTERS, Position, ack_topic, event_topic, upward

TEXT = (Path(__file__).parents[2] / "docs" / "brokers.md").read_text(encoding="utf-8")
TOML = re.findall(r"```toml\n# (hub|agent)\.toml\n(.*?)```", TEXT, re.DOTALL)
DEVICE_POLICY, HUB_POLICY = (json.loads(block) for block in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL))
MODELS = {"hub": Config, "agent": AgentConfig}


@pytest.mark.parametrize(("kind", "text"), TOML)
def test_configuration_in_the_docs_is_right(kind, text):
    assert MODELS[kind].model_validate(tomllib.loads(text))


def test_docs_have_a_configuration_for_both_sides_of_each_broker():
    assert [kind for kind, _ in TOML].count("agent") >= 3
    assert [kind for kind, _ in TOML].count("hub") >= 4


def allows(policy, action, resource):
    """Whether a policy allows what the thing `porch` does."""
    for statement in policy["Statement"]:
        resources = statement["Resource"]
        for pattern in [resources] if isinstance(resources, str) else resources:
            wanted = pattern.rpartition("ACCOUNT:")[2].replace("${iot:Connection.Thing.ThingName}", "porch")
            if statement["Action"] == f"iot:{action}" and fnmatchcase(resource, wanted):
                return True
    return False


OWN = [upward("porch", kind) for kind in ("hello", "gap", "status")] + [
    event_topic(Position("porch", "0" * 16, 7))
]


@pytest.mark.parametrize("topic", OWN)
def test_policy_lets_a_device_write_its_own_topics_only(topic):
    assert allows(DEVICE_POLICY, "Publish", f"topic/{topic}")
    assert not allows(DEVICE_POLICY, "Publish", f"topic/{topic.replace('porch', 'attic')}")
    assert allows(HUB_POLICY, "Receive", f"topic/{topic}")


def test_policy_lets_a_device_read_its_own_ack_only():
    for action, kind in (("Subscribe", "topicfilter"), ("Receive", "topic")):
        assert allows(DEVICE_POLICY, action, f"{kind}/{ack_topic('porch')}")
        assert not allows(DEVICE_POLICY, action, f"{kind}/{ack_topic('attic')}")
    assert not allows(DEVICE_POLICY, "Publish", f"topic/{ack_topic('porch')}")


def test_policy_lets_a_device_connect_as_itself_and_leave_a_will():
    assert allows(DEVICE_POLICY, "Connect", "client/porch")
    assert not allows(DEVICE_POLICY, "Connect", "client/attic")
    assert allows(DEVICE_POLICY, "RetainPublish", f"topic/{upward('porch', 'status')}")


@pytest.mark.parametrize("topic_filter", UPWARD_FILTERS)
def test_policy_lets_the_hub_hear_all_devices(topic_filter):
    assert allows(HUB_POLICY, "Subscribe", f"topicfilter/{topic_filter}")


def test_policy_lets_the_hub_answer():
    assert allows(HUB_POLICY, "Publish", f"topic/{ack_topic('porch')}")
    assert not allows(HUB_POLICY, "Publish", f"topic/{upward('porch', 'hello')}")
