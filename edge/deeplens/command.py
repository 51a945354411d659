"""The command `lenshub-edge lambda`: runs an old DeepLens function."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from edge.console import errors_in_one_line
from edge.start import read_given, start_log
from hub.errors import ConfigError

SPOOL = Path("lambda-spool.db")


def _read_size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{2,4})x(\d{2,4})", text)
    if not found or min(map(int, found.groups())) < 16:
        raise typer.BadParameter("must look like 2688x1520 (width and height in pixels, 16 at least)")
    return int(found[1]), int(found[2])


def run_function(
    function: Annotated[Path, typer.Argument(help="The function's file; it is never changed.")],
    thing: Annotated[str, typer.Option(help="The device's thing name, its user name at the broker.")],
    source: Annotated[str, typer.Option(help="/dev/video0 or 0, a video file, a folder.")],
    model_dir: Annotated[Path, typer.Option(help="Where its models are (.xml and .bin).")] = Path(),
    broker: Annotated[
        str | None, typer.Option(help="mqtt://host:port, or mqtts://", show_default=False)
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(help="An agent.toml; its table broker has the credentials.", show_default=False),
    ] = None,
    spool: Annotated[Path, typer.Option(help="The file that keeps what is not yet sent.")] = SPOOL,
    size: Annotated[str, typer.Option(help="The frames' size in pixels.")] = "2688x1520",
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="Stop after so long; else on Ctrl-C.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="At the end print one JSON object.")] = False,
) -> None:
    """Run an AWS DeepLens inference function unmodified.

    It finds awscam, mo and greengrasssdk as on the device. What it publishes
    is kept on the disk until the broker has it. What old Python it was
    written in is repaired in memory and told. If it crashes or ends, that is
    the device's status, and it is started again after a pause that grows.

    A model that the function names by a device's path is looked up in
    --model-dir by its name. Credentials: `lenshub device add THING >
    agent.toml` on the hub, then --config agent.toml here. AWS keys and
    AWS_ENDPOINT_URL for boto3 go into the environment.

    Exit code 0: it looped and published. 1: it did not. 2: the function, the
    model folder, the camera or a setting is not there or wrong.

    With --json the last line is one object: published, frames, inferences,
    crashes, repairs, missing. docs/deeplens.md tells the whole way.

    [bold]Examples[/bold]

     lenshub-edge lambda loop.py --thing porch --source clip.webm --seconds 20 --json
     lenshub-edge lambda loop.py --thing deeplens_HoVip9 --config agent.toml --source 0 --model-dir models/
    """
    from edge.config import find_broker

    overrides: dict[str, dict[str, Any]] = {"agent": {"device": thing}, "broker": {"url": broker}}
    with errors_in_one_line():
        agent = read_given(config, overrides)
        if agent.broker.protocol == "3.1.1":
            raise ConfigError(
                "broker.protocol: must be 5 or auto for an old function: its messages have no identity, and "
                "3.1.1 cannot say that one was refused"
            )
        start_log()
        from edge.deeplens.run import run_lambda
        from edge.deeplens.supervisor import Settings

        broker_found = find_broker(agent.broker)
        settings = Settings(
            function.resolve(),
            thing,
            model_dir.resolve(),
            _absolute(source),
            _read_size(size),
            hidden=(agent.broker.password_env,) if agent.broker.password_env else (),
            secrets=(broker_found.password,) if broker_found.password else (),
        )
        report = asyncio.run(
            run_lambda(settings, broker_found, spool, agent.agent.quota_bytes, seconds, _show)
        )
    if as_json:
        sys.stdout.write(json.dumps(report.as_json(), ensure_ascii=False) + "\n")
    else:
        _show(
            f"{report.frames} frames, {report.inferences} inferences, {report.published} messages published"
        )
    if not report.worked:
        _show("it did not both loop (two frames at least) and publish")
        raise typer.Exit(1)


def _absolute(source: str) -> str:
    """The function runs in a folder of its own, so a relative path must not depend on it."""
    return source if source.isdecimal() or "://" in source else str(Path(source).absolute())


def _show(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
