"""`lenshub match try` says which stored events a table takes, and why not the others; it delivers nothing."""

from __future__ import annotations

import json

import pytest

TOML = """
[plugins.pets]
use = "retraining"
match = { labels = ["dog"], once_within_s = 60 }
"""


@pytest.fixture
async def stored(folder, data, arrivals, soon):
    """A dog, a cat and a dog again, in the store of a folder with a plugin for dogs."""
    (folder / "hub.toml").write_text(TOML)
    await soon(data.add(*(arrivals.plain(arrivals.event(label=label)) for label in ("dog", "cat", "dog"))))


@pytest.mark.usefixtures("stored")
def test_match_try_takes_the_table_of_an_instance(lenshub):
    found = json.loads(lenshub("match", "try", "pets", "--json").output)

    assert [(row["event"], row["taken"]) for row in found] == [(3, False), (2, False), (1, True)]
    assert found[1]["reason"] == "no detection is labelled dog"
    assert "once_within_s" in found[0]["reason"]


@pytest.mark.usefixtures("stored")
def test_match_try_takes_a_table_from_the_command_line(lenshub):
    said = lenshub("match", "try", "--table", 'labels = ["c*"], min_confidence = 0.5').output

    assert "no detection is labelled c*" in said
    assert "1 of 3 events taken" in said


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("--table", "labels = [1"), "--table: is not TOML"),
        (("--table", 'lables = ["a"]'), "--table.lables: unknown setting 'lables'"),
        (("cats",), "there is no plugin 'cats' in hub.toml (known: pets)"),
        ((), "name an instance of hub.toml"),
        (("pets", "--table", ""), "name an instance of hub.toml"),
    ],
)
def test_match_try_says_what_is_wrong(lenshub, arguments, problem):
    done = lenshub("match", "try", *arguments)

    assert done.exit_code == 2
    assert problem in done.output
