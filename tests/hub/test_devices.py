"""Devices of the private broker: names that are safe, passwords kept as hashes, shown once."""

from __future__ import annotations

import subprocess

import pytest

from hub.devices import DeviceRegistry
from hub.errors import ConfigError


@pytest.fixture
def registry(tmp_path):
    return DeviceRegistry(tmp_path / "broker")


def test_registry_adds_lists_and_removes(registry):
    registry.add("porch")
    registry.add("attic")
    assert registry.names() == ["attic", "porch"]

    registry.remove("porch")
    assert registry.names() == ["attic"]


def test_registry_keeps_only_a_hash(registry, tmp_path):
    password = registry.add("porch")
    kept = (tmp_path / "broker" / "passwords").read_text()

    assert len(password) >= 32
    assert password not in kept
    assert kept.startswith("porch:$7$")
    assert [path.name for path in (tmp_path / "broker").iterdir()] == ["passwords"]


def test_registry_keeps_its_file_from_everybody_else(registry, tmp_path):
    registry.add("porch")

    assert (tmp_path / "broker" / "passwords").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("name", ["", "lenshub", "a b", "a/b", "+", "#", "..", "a:b", "a\n", "a" * 65, "ü"])
def test_registry_refuses_names_that_are_not_safe(registry, name):
    with pytest.raises(ConfigError, match="cannot be a device's name"):
        registry.add(name)


def test_registry_refuses_a_name_twice(registry):
    registry.add("porch")

    with pytest.raises(ConfigError, match="porch is already registered"):
        registry.add("porch")


def test_registry_refuses_to_remove_what_is_not_there_and_itself(registry):
    registry.set_password("lenshub", "x")

    for name in ("porch", "lenshub"):
        with pytest.raises(ConfigError, match=r"is not registered \(registered: none\)"):
            registry.remove(name)


def test_registry_knows_a_password_and_no_other(registry):
    password = registry.add("porch")

    assert registry.knows("porch", password)
    assert not any(registry.knows(*other) for other in (("porch", ""), ("porch", "x"), ("attic", password)))


def test_registry_knows_a_password_that_mosquittos_own_program_has_hashed(
    registry, tmp_path, require_program
):
    registry.add("attic")
    path = tmp_path / "broker" / "passwords"
    subprocess.run([require_program("mosquitto_passwd"), "-b", path, "porch", "secret"], check=True)

    assert registry.knows("porch", "secret")
    assert not registry.knows("porch", "wrong")
