"""`lenshub check` prints every problem at once and exits with 2."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

SHIPPED = Path(__file__).parents[3] / "hub.toml"


@pytest.fixture
def toml(folder):
    return (folder / "hub.toml").write_text


def test_check_is_content_with_the_shipped_configuration(lenshub, folder):
    shutil.copy(SHIPPED, folder / "hub.toml")
    done = lenshub("check", "--json")

    assert done.exit_code == 0, done.output
    assert json.loads(done.output)["plugins"] == ["s3-archive", "retraining", "threshold-alerts", "tweet"]


def test_check_names_every_problem_of_the_file(lenshub, toml):
    toml('[hub]\ndatadir = "x"\n[mqtt]\nport = 0\n[colour]\n')
    done = lenshub("check")

    assert done.exit_code == 2
    assert [line.split(": ")[1] for line in done.output.splitlines()] == [
        "hub.datadir",
        "mqtt.port",
        "colour",
    ]


def test_check_names_every_problem_of_the_plugins_and_the_password(lenshub, toml):
    toml(
        '[mqtt]\nbroker = "mqtt://host"\npassword_env = "NOT_SET"\n'
        '[plugins.twet]\n[plugins.s3-archive]\nattempts = 0\nfoldr = "x"\n'
    )
    done = lenshub("check")

    assert done.exit_code == 2
    for part in (
        "NOT_SET is not set",
        "no plugin 'twet' is installed",
        "attempts: Input should be",
        "'foldr'",
    ):
        assert part in done.output


def test_check_of_a_file_that_is_not_there_says_so(lenshub):
    done = lenshub("check", "--config", "none.toml")

    assert (done.exit_code, done.output) == (2, "none.toml: cannot be read: No such file or directory\n")


def test_check_names_certificates_that_are_missing_or_have_expired(lenshub, toml, certificates):
    toml('[mqtt]\nbroker = "mqtts://host"\nca_file = "none.pem"\npassword_env = "NOT_SET"\n')
    done = lenshub("check")

    assert done.exit_code == 2
    assert "mqtt.ca_file: " in done.output
    assert "NOT_SET is not set" in done.output

    then = datetime(2020, 1, 1, tzinfo=UTC)
    old = certificates.issue("hub", not_before=then, not_after=then + timedelta(9))
    toml('[mqtt]\nbroker = "mqtts://host"\ncert_file = "{}"\nkey_file = "{}"\n'.format(*old))

    assert "hub.pem expired on 2020-01-10" in lenshub("check").output


@pytest.mark.parametrize("archive", ["kept", "{folder}/lenshub-data/kept"])
def test_check_refuses_pictures_out_of_the_archive(lenshub, toml, folder, archive):
    toml(
        f'[plugins.s3-archive]\nfolder = "{archive.format(folder=folder)}"\n'
        '[plugins.rekognition]\nregion = "eu-west-1"\nimages = { folder = "kept" }\n'
    )
    done = lenshub("check")

    assert done.exit_code == 2
    assert "plugins.rekognition.images.folder: 'kept' overlaps plugins.s3-archive.folder" in done.output
    assert len(done.output.splitlines()) == 1
