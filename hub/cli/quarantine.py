"""`lenshub quarantine`: messages that could not be read."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer
from rich.markup import escape

from hub.cli.operate import have_done
from hub.cli.shared import (
    ConfigOption,
    JsonOption,
    LimitOption,
    console,
    plainly,
    print_json,
    print_table,
    read_store,
)
from hub.commands.command import QuarantineDrop, QuarantineReplay
from hub.errors import HubError
from hub.store import overview

SHOWN_BYTES = 400
JPEG_AFTER_TEXT = b"\n\xff\xd8"

app = typer.Typer(no_args_is_help=True, help="Messages that could not be read. Their bytes are kept.")


@app.command("list")
@plainly
def list_(
    code: Annotated[str | None, typer.Option(help="Only with this reason code.")] = None,
    limit: LimitOption = 20,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List refused messages, newest first, and count them by reason.

    Example: lenshub quarantine list --code not_json
    """
    found = asyncio.run(
        read_store(config, lambda engine: overview.list_quarantine(engine, code=code, limit=limit))
    )
    counts = asyncio.run(read_store(config, overview.count_quarantine))
    if json:
        print_json({"counts": counts, "messages": found})
        return
    rows = (
        (q["id"], f"{q['received_at']:%Y-%m-%d %H:%M:%S}", q["device"], q["topic"], q["code"], q["reason"])
        for q in found
    )
    print_table("Quarantine", ("number", "received (UTC)", "device", "topic", "code", "reason"), rows)
    total = sum(counts.values()) if code is None else counts.get(code, 0)
    if len(found) < total:
        console.print(f"{len(found)} of {total}; --limit shows more")
    print_table("", ("code", "messages"), sorted(counts.items()))


@app.command()
@plainly
def show(
    number: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="The message's number.")],
    raw: Annotated[
        bool, typer.Option("--raw", help="Write the bytes as received to standard output.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show one refused message: where it came from, why it was refused, and how it begins.

    Example: lenshub quarantine show 7 --raw > payload.bin
    """
    found = asyncio.run(read_store(config, lambda engine: overview.read_quarantine(engine, number)))
    payload: bytes = found.pop("payload")
    if raw:
        sys.stdout.buffer.write(payload)
        return
    begins = _begin(payload)
    if json:
        print_json(found | {"begins": begins})
        return
    found["received_at"] = f"{found['received_at']:%Y-%m-%d %H:%M:%S} UTC"
    for name, value in found.items():
        console.print(escape(f"{name:>14}  {'-' if value is None else value}"))
    console.print(escape(f"{'begins':>14}  {begins}"))


def _begin(payload: bytes) -> str:
    """Return how a message begins, up to the picture that may follow its JSON."""
    text, picture, _ = payload.partition(JPEG_AFTER_TEXT)
    shown = text[:SHOWN_BYTES].decode("utf-8", "backslashreplace").encode("unicode_escape").decode()
    cut = "..." if len(text) > SHOWN_BYTES else ""
    return (
        f"{shown}{cut} (then a picture of {len(payload) - len(text) - 1} bytes)" if picture else shown + cut
    )


NumberArgument = Annotated[int | None, typer.Argument(min=1, max=2**63 - 1, help="The message's number.")]
CodeOption = Annotated[str | None, typer.Option(help="All messages with this reason code.")]
AllOption = Annotated[bool, typer.Option("--all", help="All messages.")]


def _check_choice(number: int | None, code: str | None, everything: bool) -> None:
    if [number is not None, code is not None, everything].count(True) != 1:
        raise HubError("say which: the NUMBER of one message, --code CODE, or --all (one of them)")


@app.command()
@plainly
def replay(
    number: NumberArgument = None,
    code: CodeOption = None,
    everything: AllOption = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Read refused messages again, after an upgrade or with other settings, and store what can be read now.

    Example: lenshub quarantine replay --code too_deep
    """
    _check_choice(number, code, everything)
    have_done(config, QuarantineReplay(number=number, code=code), json=json)


@app.command()
@plainly
def drop(
    number: NumberArgument = None,
    code: CodeOption = None,
    everything: AllOption = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Throw refused messages away for good, with their bytes.

    Example: lenshub quarantine drop 7
    """
    _check_choice(number, code, everything)
    have_done(config, QuarantineDrop(number=number, code=code), json=json)
