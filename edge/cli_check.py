"""The command `lenshub-edge check`."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from edge.console import err, out
from edge.start import ConfigOption, quiet_opencv, read_given
from hub.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from edge.check.finding import Finding

COLOURS = {"ok": "green", "note": "yellow", "wrong": "red", "skipped": "dim"}
EXIT_WRONG = 2


def check(
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Try everything the agent needs, and say in words what is wrong.

    Configuration, camera, model, spool, broker, its rules, hub and clock;
    exits with 2 if anything is wrong. Nothing is stored, and an agent that
    runs with this configuration is not disturbed.

    [bold]Examples[/bold]

     lenshub-edge check
     lenshub-edge check --config /etc/lenshub/agent.toml --json
    """
    quiet_opencv()
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # its lines become findings
    found = _check(config)
    wrong = any(finding.state == "wrong" for finding in found)
    if as_json:
        findings = [finding.model_dump() for finding in found]
        sys.stdout.write(json.dumps({"ok": not wrong, "findings": findings}, ensure_ascii=False) + "\n")
    else:
        for finding in found:
            _print(finding)
    if wrong:
        raise typer.Exit(EXIT_WRONG)


def _check(config: Path | None) -> list[Finding]:
    from edge.check.check import check_agent
    from edge.check.finding import Finding

    try:
        settings = read_given(config, {})
    except ConfigError as error:
        return [Finding(part="configuration", state="wrong", text=problem) for problem in error.problems]
    return asyncio.run(check_agent(settings))


def _print(finding: Finding) -> None:
    where = err if finding.state == "wrong" else out
    line = f"{finding.state:8}{finding.part}: {finding.text}"
    where.print(line, style=COLOURS[finding.state], markup=False, highlight=False)
