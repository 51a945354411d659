"""Puts the commands of `lenshub` together."""

from __future__ import annotations

import typer

from hub.cli import (
    alerts,
    archive,
    check,
    classify,
    dataset,
    db,
    decode,
    demo,
    device,
    evaluate,
    events,
    explain,
    gate,
    match,
    operate,
    plugin,
    plugins,
    quarantine,
    release,
    replay,
    report,
    review,
    run,
    snooze,
    status,
    template,
)
from hub.cli.main import LOOKS

EPILOG = """Examples:

lenshub demo --seconds 20          see it work, with everything included

lenshub check                      is hub.toml right?

lenshub device add porch           credentials for a camera

lenshub run                        run the hub

lenshub explain 42                 what became of event 42, and why
"""

app = typer.Typer(
    **LOOKS,
    help="LensHub: what cameras see, stored, archived, tweeted, alerted on and made into training data.",
    epilog=EPILOG,
)
app.command()(run.run)
app.command()(demo.demo)
app.command()(check.check)
app.command()(status.status)
app.command()(decode.decode)
app.command()(events.events)
app.command()(classify.classify)
app.command()(explain.explain)
app.command()(report.report)
app.command()(evaluate.evaluate)
app.command()(plugins.deliveries)
app.command()(operate.pause)
app.command()(operate.resume)
app.command()(operate.retry)
app.command()(replay.replay)
app.command()(replay.replays)
app.command()(operate.enable)
app.command()(operate.reload)
app.command()(release.release)
app.command()(snooze.snooze)
app.add_typer(match.app, name="match")
app.add_typer(plugins.app, name="plugins")
app.add_typer(plugin.app, name="plugin")
app.add_typer(archive.app, name="archive")
app.add_typer(review.app, name="review")
app.add_typer(dataset.app, name="dataset")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(device.app, name="device")
app.add_typer(alerts.app, name="alerts")
app.add_typer(gate.app, name="gate")
app.add_typer(template.app, name="template")
app.add_typer(db.app, name="db")
