"""The command `lenshub-edge check`."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from edge.console import err, errors_in_one_line, out
from edge.start import ConfigOption, read_given

if TYPE_CHECKING:
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
    with errors_in_one_line():
        settings = read_given(config, {})
        logging.getLogger("mqtt").setLevel(logging.CRITICAL)  # its lines become findings
        from edge.check.check import check_agent

        found = asyncio.run(check_agent(settings))
    wrong = any(finding.state == "wrong" for finding in found)
    if as_json:
        findings = [finding.model_dump() for finding in found]
        sys.stdout.write(json.dumps({"ok": not wrong, "findings": findings}, ensure_ascii=False) + "\n")
    else:
        for finding in found:
            _print(finding)
    if wrong:
        raise typer.Exit(EXIT_WRONG)


def _print(finding: Finding) -> None:
    where = err if finding.state == "wrong" else out
    line = f"{finding.state:8}{finding.part}: {finding.text}"
    where.print(line, style=COLOURS[finding.state], markup=False, highlight=False)
