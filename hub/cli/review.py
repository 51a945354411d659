"""`lenshub review`: say what is right of what was detected, picture after picture."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from hub.cli.events import in_utc, list_seen
from hub.cli.shared import (
    ConfigOption,
    JsonOption,
    LimitOption,
    as_shown,
    complaints,
    console,
    plainly,
    print_json,
    print_table,
)
from hub.config import read_config
from hub.errors import ConfigError
from hub.event import MAX_INTEGER, Detection
from hub.review.desk import Desk, Task, open_desk
from hub.review.error import ReviewError
from hub.review.overview import Overview, read_overview
from hub.review.reviewer import check_reviewer, find_login
from hub.store.review_queue import ReviewFilter

Result = TypeVar("Result")
EPILOG = """Examples:

lenshub review                                    what teaches most comes first

lenshub review --label cup --confidence 0.4-0.6   only cups of which the model was not sure

lenshub review --disputed                         settle what two reviewers do not agree on

lenshub review reject 42 43 --note "too dark"     without looking

lenshub review status                             what waits, who did what, how far all agree

printf 'a\\nl 1 cup\\na\\n' | lenshub review         the same by a script: one command a line
"""
app = typer.Typer(no_args_is_help=False, epilog=EPILOG)

AsOption = Annotated[
    str | None, typer.Option("--as", help="Your name, which goes into the events.", show_default="your login")
]
NoteOption = Annotated[str, typer.Option(help="Kept with the verdict.")]
IdsArgument = Annotated[
    list[int], typer.Argument(help="Events, as `lenshub events` lists them.", min=1, max=MAX_INTEGER)
]
LabelOption = Annotated[str | None, typer.Option(help="Only with this label.")]
DeviceOption = Annotated[str | None, typer.Option(help="Only of this device.")]
BandOption = Annotated[
    str | None, typer.Option(help="Only with a detection as confident as this: 0.4-0.6, or 0.4 and more.")
]
ModelOption = Annotated[str | None, typer.Option(help="Only of this model: NAME, or 'NAME VERSION'.")]
ReasonOption = Annotated[
    str | None, typer.Option(help="Only what was captured for this: near_threshold, rare, random and so on.")
]
SinceOption = Annotated[datetime | None, typer.Option(help="Only captured at this time (UTC) or later.")]
UntilOption = Annotated[datetime | None, typer.Option(help="Only captured before this time (UTC).")]
AllOption = Annotated[bool, typer.Option("--all", help="Also pictures that no plugin captured.")]


@app.callback(invoke_without_command=True, epilog=EPILOG)
@plainly
def review(
    context: typer.Context,
    label: LabelOption = None,
    device: DeviceOption = None,
    confidence: BandOption = None,
    model: ModelOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    every: AllOption = False,
    disputed: Annotated[
        bool, typer.Option("--disputed", help="Only what reviewers do not agree on; your word settles it.")
    ] = False,
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="How many at most.")] = None,
    name: AsOption = None,
    open_: Annotated[
        bool, typer.Option("--open", help="Open pictures in $LENSHUB_VIEWER (xdg-open) instead.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Look at captured pictures one by one, and say what is right: accept, reject, or correct.

    A verdict is kept at once and becomes an amendment of its event, which `lenshub dataset export` takes.
    What is before you is nobody else's meanwhile; left alone for ten minutes, it is given to others. A tenth
    of all pictures is shown to two people, who do not see what the other said (docs/review.md).
    """
    if context.invoked_subcommand is not None:
        _refuse_before(context, context.invoked_subcommand)
        return
    wanted = _make_filter(label, device, confidence, model, reason, since, until, every=every)
    who = find_login() if name is None else check_reviewer(name)
    from hub.cli.reviewing.session import Wish

    _review(config, Wish(who, wanted, disputed, limit), opens=open_)


def _refuse_before(context: typer.Context, command: str) -> None:
    """Raise ConfigError for options between `review` and its command, which would say nothing."""
    for one in context.command.params:
        source = context.get_parameter_source(one.name or "")
        if source is not None and source.name == "COMMANDLINE":
            raise ConfigError(f"lenshub review {command}: put {one.opts[0]} after {command}")


def _review(config: Path | None, wish: Any, *, opens: bool) -> None:
    from hub.cli.reviewing.keys import open_commands
    from hub.cli.reviewing.session import Session
    from hub.cli.reviewing.viewer import Viewer

    with asyncio.Runner() as runner, ExitStack() as stack, _stopped_politely():
        opened = _open(config)
        desk = runner.run(opened.__aenter__())
        stack.callback(lambda: runner.run(opened.__aexit__(None, None, None)))
        viewer = stack.enter_context(Viewer()) if opens else None
        commands = stack.enter_context(open_commands())
        session = Session(desk, wish, commands, console, runner, viewer)
        try:
            session.run()
        except KeyboardInterrupt:
            console.print("\nStopped; what was before you is given back.", style="yellow")
        counts = ", ".join(f"{count} {verdict}" for verdict, count in session.done.verdicts.items() if count)
        console.print(as_shown(f"{wish.reviewer}: {counts or 'nothing said'}"))
        if (session.done.refused or session.done.unused) and not commands.interactive:
            raise typer.Exit(1)


@contextmanager
def _stopped_politely() -> Iterator[None]:
    """Let a closed terminal, and a plain kill, end the session as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():  # Python lets no other set them
        yield
        return
    before = {one: signal.signal(one, signal.default_int_handler) for one in (signal.SIGHUP, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


@app.command("list")
@plainly
def list_waiting(
    label: LabelOption = None,
    device: DeviceOption = None,
    confidence: BandOption = None,
    model: ModelOption = None,
    reason: ReasonOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    every: AllOption = False,
    disputed: Annotated[
        bool, typer.Option("--disputed", help="Only what reviewers do not agree on.")
    ] = False,
    limit: LimitOption = 20,
    name: AsOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """List what waits for you, in the order in which you would see it. Nothing is held.

    Example: lenshub review list --reason rare --json
    """
    from hub.cli.reviewing.session import tell_others

    wanted = _make_filter(label, device, confidence, model, reason, since, until, every=every)
    who = find_login() if name is None else check_reviewer(name)

    async def ask(desk: Desk) -> tuple[list[Task], str | None]:
        if disputed:
            return await desk.list_disputed(limit), None
        found = await desk.list_waiting(who, wanted, limit)
        return found, None if found else await tell_others(desk, who, wanted)

    found, elsewhere = _at_desk(config, ask)
    if json:
        print_json([_as_json(task) for task in found])
        return
    if elsewhere:
        console.print(elsewhere)
        return
    heads = ("id", "captured (UTC)", "device", "seen", "chosen for")
    print_table("Waiting", heads, map(_row, found))


def _row(task: Task) -> tuple[str, ...]:
    event = task.event
    said = "; ".join(f"{word.reviewer}: {word.verdict}" for word in task.words)
    moment = f"{event.captured_at:%Y-%m-%d %H:%M:%S}"
    return str(event.id), moment, event.device, list_seen(event), said or ", ".join(task.reasons) or "-"


def _as_json(task: Task) -> dict[str, Any]:
    event = task.event.model_dump(mode="json")
    words = [{"reviewer": one.reviewer, "verdict": one.verdict, "note": one.note} for one in task.words]
    picture = str(task.picture) if task.picture else None
    return {"event": event, "reasons": task.reasons, "picture": picture, "words": words}


@app.command()
@plainly
def accept(
    ids: IdsArgument,
    note: NoteOption = "",
    name: AsOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Say of events that everything detected is right.

    Example: lenshub review accept 41 42 43
    """
    _judge(config, ids, name, "accepted", lambda desk, one, who: desk.accept(one, who, note=note), json=json)


@app.command()
@plainly
def reject(
    ids: IdsArgument,
    note: NoteOption = "",
    name: AsOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Say of events that they are no samples; `lenshub dataset export` never takes them.

    Example: lenshub review reject 42 --note "too dark"
    """
    _judge(config, ids, name, "rejected", lambda desk, one, who: desk.reject(one, who, note=note), json=json)


@app.command()
@plainly
def correct(
    event: Annotated[
        int, typer.Argument(min=1, max=MAX_INTEGER, help="The event, as `lenshub events` lists it.")
    ],
    box: Annotated[
        list[str] | None,
        typer.Option(
            "--box", "-b", help="'LABEL X Y WIDTH HEIGHT' in pixels, or 'LABEL' of the whole picture."
        ),
    ] = None,
    nothing: Annotated[bool, typer.Option("--nothing", help="There is nothing: a negative.")] = False,
    note: NoteOption = "",
    name: AsOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Say what is in an event's picture, in place of all that was detected.

    Examples:

    lenshub review correct 42 --box "coffee cup 120 80 64 48" --box "dog 10 10 50 60"

    lenshub review correct 42 --nothing
    """
    if bool(box) == nothing:
        raise ConfigError("say what is there with --box, or that nothing is with --nothing")

    async def work(desk: Desk, one: int, who: str) -> int:
        return await desk.correct(one, who, _read_boxes(await desk.look(one), box or []), note=note)

    _judge(config, [event], name, "corrected", work, json=json)


def _read_boxes(task: Task, boxes: Sequence[str]) -> tuple[Detection, ...]:
    from hub.review.editing import Sheet

    sheet = Sheet((), task.size)
    for box in boxes:
        sheet.change("+", box)
    return sheet.detections


def _judge(
    config: Path | None,
    ids: Sequence[int],
    name: str | None,
    verdict: str,
    work: Callable[[Desk, int, str], Awaitable[int]],
    *,
    json: bool,
) -> None:
    who = find_login() if name is None else check_reviewer(name)

    async def say(desk: Desk) -> list[dict[str, Any]]:
        return [await _say(desk, one) for one in dict.fromkeys(ids)]

    async def _say(desk: Desk, one: int) -> dict[str, Any]:
        try:
            await work(desk, one, who)
        except ReviewError as error:
            return {"event": one, "ok": False, "answer": str(error)}
        standing = await desk.state(one)
        how = {"disputed": "; another reviewer says otherwise: it is disputed", "settled": "; settled"}
        return {"event": one, "ok": True, "answer": f"event {one}: {verdict}{how.get(standing.state, '')}"}

    answers = _at_desk(config, say)
    if json:
        print_json(answers)
    for answer in () if json else answers:
        place, style = (console, None) if answer["ok"] else (complaints, "red")
        place.print(as_shown(answer["answer"]), style=style)
    if not all(answer["ok"] for answer in answers):
        raise typer.Exit(1)


@app.command()
@plainly
def undo(
    event: Annotated[
        int | None, typer.Argument(min=1, max=MAX_INTEGER, help="The event; without it, your last verdict.")
    ] = None,
    name: AsOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Take back your last verdict, or the one about an event, which is then as it was, bit for bit.

    Example: lenshub review undo 42
    """
    who = find_login() if name is None else check_reviewer(name)

    async def work(desk: Desk) -> Any:
        word = await desk.undo(who, event)
        await desk.release(who)
        return word

    word = _at_desk(config, work)
    if json:
        print_json({"event": word.event_id, "verdict": word.verdict, "reviewer": word.reviewer})
    else:
        console.print(as_shown(f"event {word.event_id}: no longer {word.verdict} by {word.reviewer}"))


@app.command()
@plainly
def status(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Tell what waits and why it was captured, who said what, and how far reviewers agree.

    Example: lenshub review status
    """
    found = _at_desk(config, read_overview)
    if json:
        print_json(asdict(found))
    else:
        _print_overview(found)


def _print_overview(found: Overview) -> None:
    print_table(
        "Captured",
        ("reason", "waiting", "done"),
        ((one.reason, one.waiting, one.done) for one in found.reasons),
    )
    verdicts = ("accepted", "corrected", "rejected", "skipped")
    rows = [
        (
            one.name,
            *(one.verdicts.get(verdict, 0) for verdict in verdicts),
            None if one.seconds is None else f"{one.seconds:.1f} s",
            one.holds,
            f"{one.last_at:%Y-%m-%d %H:%M}" if one.last_at else None,
        )
        for one in found.reviewers
    ]
    print_table("Reviewers", ("name", *verdicts, "each takes", "before them", "last (UTC)"), rows)
    agreed = found.agreement
    if agreed.same is not None:
        console.print(
            f"Two reviewers saw {agreed.events} events and say the same of {agreed.same:.1%}. Cohen's kappa: "
            f"{_number(agreed.verdict_kappa)} of verdicts, {_number(agreed.label_kappa)} of labels. "
            f"Boxes overlap by {_number(agreed.mean_overlap)} (mean IoU)."
        )
    if found.disputed:
        rows = [
            (one.event_id, *(": ".join(pair) for pair in zip(one.reviewers, one.verdicts, strict=True)))
            for one in found.disputed
        ]
        print_table("Disputed; `lenshub review --disputed` settles them", ("event", "first", "second"), rows)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _at_desk(config: Path | None, work: Callable[[Desk], Awaitable[Result]]) -> Result:
    async def run() -> Result:
        async with _open(config) as desk:
            return await work(desk)

    return asyncio.run(run())


def _open(config: Path | None) -> Any:
    settings = read_config(config)
    return open_desk(settings.hub.data_dir, settings.review)


def _make_filter(
    label: str | None,
    device: str | None,
    confidence: str | None,
    model: str | None,
    reason: str | None,
    since: datetime | None,
    until: datetime | None,
    *,
    every: bool,
) -> ReviewFilter:
    low, high = _read_band(confidence)
    if since and until and since >= until:
        raise ConfigError(f"--until {until} is not after --since {since}")
    return ReviewFilter(label, device, low, high, model, reason, in_utc(since), in_utc(until), every)


def _read_band(text: str | None) -> tuple[float, float]:
    if text is None:
        return 0.0, 1.0
    low, _, high = text.partition("-")
    try:
        band = float(low), float(high or 1)
    except ValueError:
        band = 1.0, 0.0
    if not 0 <= band[0] <= band[1] <= 1:
        raise ConfigError(f"--confidence: must be like 0.4-0.6, or 0.4 for that and more, found {text!r}")
    return band
