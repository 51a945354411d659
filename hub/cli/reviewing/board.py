"""What a reviewer sees of one event: its picture and detections, why it is there, how far the work is."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from hub.cli.reviewing.picture import COLOURS, Blocks, open_picture
from hub.cli.shared import as_shown
from hub.event import BOX_PIXELS, Detection, Frame
from hub.review.desk import Task
from hub.review.error import ReviewError
from hub.store.reviews import Word

KEYS = (
    "a accept, r reject, l relabel, m move, s resize, + add, d delete, n note, "
    "u undo, space skip, ? help, q quit"
)
HELP = """\
a        accept: all that is listed is right (with changes made: this is what is there)
r        reject: no sample; a picture too bad to learn from
l 1 cup  the label of detection 1 is cup
m 1 X Y  its box begins at X, Y: pixels from the left and from the top
s 1 W H  its box is W pixels wide and H high
+ cup X Y W H  there is a cup, too; without numbers, of the whole picture
d 1      detection 1 is not there; d all: nothing is, which makes a negative
n text   a note that is kept with the verdict
u        take back the last change; without one, the last verdict
space    leave it to others (in a pipe: skip)
q        stop; everything said so far is kept"""
MOST_LISTED = 40
_TEXT_ROWS = 10  # of the terminal, for what is not the picture
_LEAST_ROWS = 8


def show_task(
    console: Console, task: Task, detections: Sequence[Detection], progress: str, note: str, *, picture: bool
) -> None:
    """Print an event with the detections as they are now.

    Args:
        picture: Whether to draw it here.
    """
    event = task.event
    model = f", by {event.model.name} {event.model.version}" if event.model else ""
    camera = f", camera {event.camera}" if event.camera else ""
    when = f"{event.captured_at:%Y-%m-%d %H:%M:%S} UTC"
    if picture:
        console.clear()
        _draw(console, task, detections)
    console.print(
        as_shown(f"Event {event.id}, {event.device}{camera}, {when}{model}  ({progress})"), style="bold"
    )
    console.print(as_shown(f"chosen for: {', '.join(task.reasons) or 'nothing, it was not captured'}"))
    for word in task.words:
        console.print(as_shown(_tell(word)), style="yellow")
    console.print(_list(task, detections))
    if note:
        console.print(as_shown(f"note: {note}"))


def _draw(console: Console, task: Task, detections: Sequence[Detection]) -> None:
    if task.picture is None:
        console.print("It has no picture.", style="yellow")
        return
    listed = min(len(detections), MOST_LISTED)
    rows = max(_LEAST_ROWS, console.height - _TEXT_ROWS - listed - len(task.words))
    try:
        console.print(Blocks(open_picture(task.picture, console.width - 1, rows), detections))
    except ReviewError as error:
        console.print(as_shown(str(error)), style="yellow")


def _tell(word: Word) -> str:
    note = f": {word.note}" if word.note else ""
    return f"{word.reviewer} said {word.verdict}{list_labels(word.detections)}{note}"


def list_labels(detections: Sequence[Detection] | None) -> str:
    """Return what a word says is there, for people."""
    if detections is None:
        return ""
    return f" to {', '.join(found.label for found in detections) or 'nothing'}"


def _list(task: Task, detections: Sequence[Detection]) -> Table | Group | str:
    if not detections:
        return "nothing is detected" if not task.event.detections else "nothing is left: a negative"
    frame = task.event.frame
    size = (frame.width, frame.height) if isinstance(frame, Frame) else None
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "label", "confidence", "box in pixels: x y width height"):
        table.add_column(name, overflow="fold")
    for number, found in enumerate(detections[:MOST_LISTED], 1):
        colour = COLOURS[(number - 1) % len(COLOURS)] if found.box else ""
        where = as_shown(place_box(found, size))
        table.add_row(Text(str(number), colour), as_shown(found.label), f"{found.confidence:.2%}", where)
    more = len(detections) - MOST_LISTED
    return Group(table, f"and {more} more") if more > 0 else table


def place_box(found: Detection, size: tuple[int, int] | None) -> str:
    """Return where a box is, for people: in pixels, where the picture's size is known."""
    if found.box is None:
        return str(found.attributes.get(BOX_PIXELS, "the whole picture"))
    if size is None:
        return "a picture that is not here"
    xmin, ymin, xmax, ymax = found.box.corners_in(*size)
    return " ".join(f"{round(value, 1):g}" for value in (xmin, ymin, xmax - xmin, ymax - ymin))
