"""`lenshub classify`: ask an instance about files, through the running hub or without one."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from hub.cli.shared import (
    EXIT_ERROR,
    ConfigOption,
    JsonOption,
    as_shown,
    complaints,
    plainly,
    print_json,
    print_table,
)
from hub.config import read_config
from hub.errors import HubError
from hub.images.told import Told, not_asked

BEST = 3
NO_FILE = {"code": "file_missing", "reason": "no such file or folder"}

FilesArgument = Annotated[
    list[Path], typer.Argument(help="Pictures, or folders of them.", show_default=False)
]
SourceOption = Annotated[
    str, typer.Option("--source", "-s", help="The instance to ask, as `lenshub plugins` shows it.")
]

TimeoutOption = Annotated[
    float,
    typer.Option(
        "--timeout", min=1, max=86_400, help="Wait no longer when nothing was answered for so many seconds."
    ),
]


@plainly
def classify(
    files: FilesArgument,
    source: SourceOption,
    timeout: TimeoutOption = 120,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    r"""Ask a classifier about pictures, and store what it says as events.

    A running hub does it, if it has `\[http] listen`; without one this command does it itself. A picture that
    is stored already is not asked about again. Exits with 1 if any is missing, was refused, or still waits
    when the time is up: a running hub goes on with those that it has, and says which they are.
    """
    wanted = list(dict.fromkeys(_expand(files)))
    missing = [path for path in wanted if _is_missing(path)]
    paths = [path for path in wanted if path not in set(missing)]
    told = [Told(path, "missing", error=NO_FILE) for path in missing]
    columns = (*Progress.get_default_columns()[:1], BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=complaints, transient=True, disable=not complaints.is_terminal) as bar:
        task = bar.add_task(f"asking {as_shown(source)}", total=len(paths))

        def tell(one: Told) -> None:
            told.append(one)
            bar.advance(task)

        try:
            asyncio.run(_classify(config, source, paths, tell, timeout))
        except HubError as error:
            _print(_complete(told, wanted, str(error)), json=json)
            raise
        except KeyboardInterrupt:
            _print(_complete(told, wanted, "it was ended before there was an answer"), json=json)
            raise
    _print(_complete(told, wanted, "no answer"), json=json)
    if not all(one.is_well for one in told):
        raise typer.Exit(EXIT_ERROR)


async def _classify(config: Path | None, source: str, paths: list[Path], tell: Any, timeout_s: float) -> None:
    from hub.store.database import hub_is_running

    found = read_config(config)
    if hub_is_running(found.hub.data_dir):
        from hub.images.sending import send_files

        await send_files(found, source, paths, tell, timeout_s)
    else:
        from hub.images.alone import classify_files

        await classify_files(found, source, paths, tell, timeout_s)


def _is_missing(path: Path) -> bool:
    try:
        return not path.exists()
    except OSError:
        return False  # to read it says why


def _complete(told: list[Told], wanted: list[Path], reason: str) -> list[Told]:
    """Return what is known of every file, in their order."""
    known = {one.path: one for one in told}
    return [known.get(path) or not_asked(path, reason) for path in wanted]


def _expand(files: Iterable[Path]) -> Iterator[Path]:
    for path in files:
        if not os.path.isdir(path):  # noqa: PTH112 - of a name too long Path.is_dir raises
            yield path
            continue
        found = (one for one in sorted(path.rglob("*")) if one.is_file())
        yield from (one for one in found if not one.name.startswith("."))


def _print(told: list[Told], *, json: bool) -> None:
    if json:
        print_json(
            [
                {"file": str(one.path), "state": one.state, "event": one.event, "error": one.error}
                for one in told
            ]
        )
    elif told:
        rows = [(one.path, one.event and one.event["id"], one.state, _describe(one)) for one in told]
        print_table("pictures", ("file", "event", "state", "what was seen, or why not"), rows)


def _describe(told: Told) -> str:
    if told.error is not None:
        return f"{told.error['code']}: {told.error['reason']}"
    found = sorted((told.event or {}).get("detections", ()), key=lambda one: one["confidence"], reverse=True)
    if told.event is not None and not found:
        return "nothing"
    said = ", ".join(f"{one['label']} {one['confidence']:.0%}" for one in found[:BEST])
    return said + (f" and {len(found) - BEST} more" if len(found) > BEST else "")
