"""docs/templates.md: its example is a configuration, its fields are all there are, its commands run."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

from typer.testing import CliRunner

from hub.cli import app
from hub.template import SAMPLES, Template

DOCS = (Path(__file__).parents[2] / "docs/templates.md").read_text()
(EXAMPLE,) = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)
(COMMANDS,) = re.findall(r"```sh\n(.*?)```", DOCS, re.DOTALL)


def test_docs_list_every_field_with_what_it_looks_like() -> None:
    listed = re.findall(r"^\| `\{(\w+)\}` \| (?:`(.*?)`)? ?\|", DOCS, re.MULTILINE)
    assert [name for name, _ in listed] == list(SAMPLES)
    for name, example in listed:
        assert example in ("", Template.parse(f"{{{name}}}", frozenset(SAMPLES)).render(SAMPLES))


def test_docs_example_tweets_what_they_say(tmp_path: Path) -> None:
    config = tmp_path / "hub.toml"
    config.write_text(EXAMPLE)
    table = tomllib.loads(EXAMPLE)["plugins"]["tweet"]
    arguments = ["template", "try", "--plugin", "tweet", "--sample", "--json", "--config", str(config)]
    text = json.loads(CliRunner().invoke(app, arguments).output)["texts"]["tweet"]
    said = re.search(r"It becomes `(.*?)`", DOCS)
    assert said is not None
    first, second = table["messages"][:2]
    assert text == said[1].replace(first, second)  # in a preview in turn by the event's number, 1


def test_docs_commands_are_known() -> None:
    for line in COMMANDS.splitlines():
        words = shlex.split(line, comments=True)
        stored = [] if "--sample" in words else ["--sample"]
        given = [word for word in words[1:] if word not in {"--event", "17"}]
        outcome = CliRunner().invoke(app, [*given, *stored, "--config", "hub.toml"])
        assert outcome.exit_code == 0, outcome.output
