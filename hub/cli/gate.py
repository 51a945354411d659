"""`lenshub gate`: how good a gate is, which threshold it should have, and what it saves."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.shared import (
    ConfigOption,
    JsonOption,
    as_shown,
    complaints,
    console,
    plainly,
    print_json,
    print_table,
    read_store,
)
from hub.config import read_config
from hub.errors import ConfigError, StoreError
from hub.event import Plain
from hub.gate.gate import Gate
from hub.gate.history import History, read_history
from hub.gate.measures import Point, Report, choose, measure, trace, weigh
from hub.gate.savings import READ_WRONGLY, published_savings, true_savings

FEW = 100
GateArgument = Annotated[str, typer.Argument(help="The gate: what stands behind `gates.` in hub.toml.")]
DaysOption = Annotated[
    int | None, typer.Option("--days", min=1, max=36500, help="Look at the last days only.")
]

app = typer.Typer(no_args_is_help=True, help="How good a gate is, and what it saves.")


class _Told(Plain):
    gate: str
    threshold: float
    report: Report


class _Tuned(Plain):
    gate: str
    threshold_now: float
    best: Point
    pictures_with_text: int
    pictures_without_text: int


@app.command()
@plainly
def report(
    gate: GateArgument = "text",
    png: Annotated[
        Path | None, typer.Option(help="Draw recall, precision and savings by threshold here.")
    ] = None,
    days: DaysOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Tell how good a gate is: precision, recall, confusion matrix, calls and money saved.

    The truth is DetectText's, by the published rule: words > 1, characters > 5, highest confidence >= 99.
    Of the refused pictures it is known for the audited ones only, so recall is an estimate with its interval.

    Example: lenshub gate report text --png curve.png
    """
    found = _open(config, gate)
    history = _read(config, gate, days)
    told = measure(history.decisions, history.audited, found.settings.price)
    if png is not None:
        _draw(history, found, png)
    if json:
        print_json(_Told(gate=gate, threshold=found.threshold, report=told).model_dump(mode="json"))
        return
    _print(told, gate, found)
    if png is not None:
        console.print(as_shown(f"Drawn: {png}"))


@app.command()
@plainly
def tune(
    gate: GateArgument = "text",
    min_recall: Annotated[
        float, typer.Option(min=0.01, max=1, help="Of the pictures with text so many are to be sent.")
    ] = 0.95,
    days: DaysOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Choose the highest threshold that keeps the recall, from the store's own DetectText results.

    hub.toml is left as it is. To begin with, run a gate with threshold 0: every picture is sent, and scored.

    Example: lenshub gate tune text --min-recall 0.95
    """
    found, known = _open(config, gate), weigh(_read(config, gate, days).decisions)
    with_text = sum(one.has_text for one in known)
    best = choose(trace(known), min_recall)
    if best is None or not with_text:
        raise StoreError(f"gate {gate}: of no picture with text both score and answer are stored")
    tuned = _Tuned(
        gate=gate,
        threshold_now=found.threshold,
        best=best,
        pictures_with_text=with_text,
        pictures_without_text=len(known) - with_text,
    )
    if json:
        print_json(tuned.model_dump(mode="json"))
        return
    _print_tuned(tuned)


@app.command()
@plainly
def savings(
    with_text: Annotated[int, typer.Option(min=0, max=10**12, help="Pictures with text.")],
    without_text: Annotated[int, typer.Option(min=0, max=10**12, help="Pictures without.")],
    precision: Annotated[float, typer.Option(min=0, max=1, help="As it was published.")],
    recall: Annotated[float, typer.Option(min=0, max=1, help="As it was published.")],
    json: JsonOption = False,
) -> None:
    """Reckon what a gate saves the way it was published, and say what was wrong with that.

    Example: lenshub gate savings --with-text 369610 --without-text 327180 --precision 0.9164463572087304
    --recall 0.950031867431485
    """
    if with_text + without_text == 0:
        raise ConfigError("--with-text and --without-text: there is no picture")
    published = published_savings(with_text, without_text, precision, recall)
    rightly, text_recall = true_savings(with_text, without_text, precision, recall)
    if json:
        print_json(published.model_dump())
        complaints.print(f"As published; {READ_WRONGLY}.")
        return
    rows = [("as published", published, "-"), ("read rightly", rightly, f"{text_recall:.4f}")]
    columns = ("", "calls", "saved", "share", "recall of text")
    print_table(
        "",
        columns,
        (
            (name, f"{one.predicted_calls:,}", f"{one.saved_calls:,}", f"{one.saved_share:.1%}", recalled)
            for name, one, recalled in rows
        ),
    )
    console.print(f"Mind: {READ_WRONGLY}.")


def _open(config: Path | None, gate: str) -> Gate:
    gates = read_config(config).gates
    if gate not in gates:
        known = ", ".join(gates) or "it has none"
        raise ConfigError(f"there is no [gates.{gate}] in hub.toml ({known})")
    return Gate(gate, gates[gate])


def _read(config: Path | None, gate: str, days: int | None) -> History:
    since = datetime.now(UTC) - timedelta(days=days) if days else None
    history: History = asyncio.run(read_store(config, lambda engine: read_history(engine, gate, since)))
    if not history.decisions:
        raise StoreError(f"gate {gate}: has decided nothing yet{' in these days' if days else ''}")
    return history


def _draw(history: History, gate: Gate, png: Path) -> None:
    from hub.gate.curve import draw_curve

    known = weigh(history.decisions)
    if not any(one.has_text for one in known):
        raise StoreError(f"gate {gate.gate}: there is no curve without pictures whose text is known")
    with_text = sum(one.has_text for one in known)
    title = f"Gate {gate.gate}: {len(known):,} pictures whose text is known, {with_text:,} with text"
    draw_curve(trace(known), gate.threshold, title, png)


def _print(told: Report, gate: str, found: Gate) -> None:
    rows = [
        ("pictures", f"{told.pictures:,}"),
        ("sent", f"{told.passed:,}, and {told.audited:,} of the refused to audit"),
        ("answers known", f"{told.known_passed:,} of the sent, {told.known_refused:,} of the refused"),
        ("precision", _with_interval(told.precision, told.precision_interval)),
        ("recall", _with_interval(told.recall, told.recall_interval)),
        ("calls saved", f"{told.saved_calls:,} ({told.saved_share:.1%})"),
        ("money saved", f"{_in_usd(told.saved_money)}, at {_in_usd(found.settings.price)} a picture"),
    ]
    print_table(f"Gate {gate}, threshold now {found.threshold:g}", ("", ""), rows)
    if told.matrix is not None:
        matrix = told.matrix
        print_table(
            "All pictures, estimated",
            ("", "sent", "refused"),
            [
                ("with text", f"{matrix.sent_with_text:,.0f}", f"{matrix.refused_with_text:,.0f}"),
                ("without text", f"{matrix.sent_without_text:,.0f}", f"{matrix.refused_without_text:,.0f}"),
            ],
        )
    _print_price(gate, found)
    if told.refused and not told.known_refused:
        console.print("Recall is unknown: no refused picture was audited and answered; see audit_share.")


def _print_price(gate: str, found: Gate) -> None:
    """Say where the price comes from: never from what a plugin is set to pay."""
    is_set = "price" in found.settings.model_fields_set
    whose = f"price of [gates.{gate}]" if is_set else f"default price, as [gates.{gate}] sets none"
    console.print(as_shown(f"Money is reckoned at the {whose}, whatever the plugins pay."))


def _in_usd(amount: float) -> str:
    """Return an amount to the cent, or below a dollar to a hundredth of one."""
    return f"USD {amount:,.2f}" if amount >= 1 or not amount else f"USD {amount:.4f}"


def _with_interval(share: float | None, interval: tuple[float, float] | None) -> str:
    if share is None:
        return "unknown"
    return f"{share:.4f}" + (f" (95 %: {interval[0]:.4f} to {interval[1]:.4f})" if interval else "")


def _print_tuned(tuned: _Tuned) -> None:
    best = tuned.best
    rows = [
        ("threshold", f"{best.threshold:.6g} (now {tuned.threshold_now:g})"),
        ("recall", f"{best.recall:.4f}"),
        ("precision", f"{best.precision:.4f}"),
        ("calls saved", f"{best.saved_share:.1%}"),
    ]
    print_table(f"Gate {tuned.gate}", ("", ""), rows)
    known = min(tuned.pictures_with_text, tuned.pictures_without_text)
    if known < FEW:
        console.print(
            f"Chosen on few pictures: {tuned.pictures_with_text} with text, "
            f"{tuned.pictures_without_text} without."
        )
    console.print(as_shown(f"To have it: threshold = {best.threshold:.6g} in [gates.{tuned.gate}]"))
