"""`lenshub review`: by lines of a script, in a terminal, and verdicts by id."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from hub.cli.reviewing.keys import Lines
from hub.event import Box, Detection, Frame

FOUND = (
    Detection(label="cup", confidence=0.9, box=Box(left=0.25, top=0.25, width=0.5, height=0.5)),
    Detection(label="dog\u202e[red]x[/red]", confidence=0.4),
)


@pytest.fixture
async def events(data, arrivals, jpeg):
    """A store with three captured events, as no hub runs: its writer is closed."""
    frame = Frame(digest=hashlib.sha256(jpeg).hexdigest(), width=64, height=48, media_type="image/jpeg")
    made = [arrivals.event(frame=frame, detections=FOUND, source="deeplens") for _ in range(3)]
    await data.add(*(arrivals.plain(one, payload=b"%d" % n, picture=jpeg) for n, one in enumerate(made)))
    for event_id in (1, 2, 3):
        data.sql(
            "INSERT INTO captures (plugin, event_id, device, reasons, score, chosen_at) "
            "VALUES ('retraining', ?, 'porch', '[\"rare\"]', ?, '2026-11-22 08:00:00.000000')",
            event_id,
            1 / event_id,
        )
    await data.close()
    yield data
    await data.open()


def verdicts(data):
    return data.sql("SELECT event_id, reviewer, verdict FROM reviews WHERE undone_at IS NULL ORDER BY id")


def test_lines_of_a_script_are_commands(lenshub, events):
    script = b"l 1 coffee mug\nm 1 8 4\ns 1 32 24\n+ cat 1 2 3 4\nd 2\nn so it is\na\nr\n\nskip\n"
    said = lenshub("review", "--as", "anna", given=script)

    assert said.exit_code == 0, said.output
    assert verdicts(events) == [(1, "anna", "corrected"), (2, "anna", "rejected"), (3, "anna", "skipped")]
    left = json.loads(lenshub("explain", "1", "--json").output)
    mug, cat = left["event"]["detections"]
    assert (mug["label"], mug["confidence"]) == ("coffee mug", 1)
    assert mug["box"] == {"left": 8 / 64, "top": 4 / 48, "width": 32 / 64, "height": 24 / 48}
    assert cat["box"] == {"left": 1 / 64, "top": 2 / 48, "width": 3 / 64, "height": 4 / 48}
    assert left["event"]["attributes"]["review_note"] == "so it is"
    assert left["said"][0] | {"made_at": ""} == {
        "reviewer": "anna",
        "verdict": "corrected",
        "labels": ["coffee mug", "cat"],
        "note": "so it is",
        "made_at": "",
        "undone": False,
        "applied": True,
    }
    assert "Nothing waits." in said.output
    assert "anna: 1 corrected, 1 rejected, 1 skipped" in said.output


def test_lines_that_are_left_when_nothing_waits_are_counted_and_fail(lenshub, events):
    said = lenshub("review", "--as", "anna", given=b"a\na\na\n\na\nr\n")

    assert said.exit_code == 1
    assert said.output.endswith("Nothing waits.\nlines that were not used: 2\nanna: 3 accepted\n")
    assert lenshub("review", "--as", "anna").exit_code == 0


@pytest.mark.parametrize(("given", "left"), [(b"a\n\nr\n", 2), (b"", 0)])
def test_lines_that_are_left_are_counted_while_the_pipe_stays_open(monkeypatch, given, left):
    ends = os.pipe()
    with os.fdopen(ends[0]) as stdin, os.fdopen(ends[1], "wb", 0) as script:
        monkeypatch.setattr(sys, "stdin", stdin)
        script.write(given)
        assert Lines().count_left() == left
        assert os.get_blocking(ends[0])


def test_pictures_that_no_strategy_chose_are_told_of_where_nothing_else_waits(lenshub, events):
    events.sql("DELETE FROM captures")
    told = "Nothing that a strategy chose waits; 3 other pictures: `lenshub review --all` (docs/review.md).\n"

    assert lenshub("review", "--as", "anna").output == told + "anna: nothing said\n"
    assert lenshub("review", "list", "--as", "anna").output == told
    assert lenshub("review", "list", "--as", "anna", "--json").output == "[]\n"
    assert "Nothing waits." in lenshub("review", "--as", "anna", "--label", "none").output
    said = lenshub("dataset", "export", "out", "--format", "coco")
    assert said.output == (
        "nothing to export: of the events, 3 not reviewed; `lenshub review --all` shows them one by one, "
        "--unreviewed takes them as they are\n"
    )


def test_undo_takes_back_a_change_and_then_the_last_verdict_whose_event_comes_again(lenshub, events):
    said = lenshub("review", "--as", "anna", given=b"d 1\nu\nr\nu\na\nq\n")

    assert said.exit_code == 0, said.output
    assert verdicts(events) == [(1, "anna", "accepted")]
    assert events.sql("SELECT COUNT(*) FROM leases") == [(0,)]


REFUSED = [
    ("apple", "'apple' is no command"),
    ("z", "'z' is no command"),
    ("l", "write l NUMBER LABEL"),
    ("l 9 cup", "there is no 9: the detections are numbered 1 to 2"),
    ("m 1 nan 3", "write m NUMBER X Y"),
    ("m 1 inf 3", "write m NUMBER X Y"),
    ("m 1 900 3", "wholly outside"),
    ("m 2 1 1", "is of the whole picture"),
    ("s 1 0 5", "no area"),
    ("+ cup 1 2 -3 4", "no area"),
    ("+ cup 0 0 1e-9 1e-9", "at least 1 x 1"),
    ("+ cup 63.5 0 9 9", "at least 1 x 1"),
    ("s 1 0.5 9", "at least 1 x 1"),
    ("+ cup 1 2", "write + LABEL X Y"),
    ("+ cup 1 2 3", "write + LABEL X Y"),
    ("+ iphone \u0665", "write + LABEL X Y"),
    ("+ \uff11 2 3 4 5", "write + LABEL X Y"),
    ("+ \uff11", "write + LABEL X Y"),
    ("+ 1 2 3 4", "write + LABEL X Y"),
    ("+ cup 1e9 2 3 4", "less than or equal to"),
    ("d x", "write d NUMBER"),
    ("l 1 " + "x" * 300, "at most 200"),
    ("n " + "x" * 501, "at most 500 signs"),
    ("l 1 \x00", "label"),
    ("u", "nothing to undo here"),
]


def test_commands_that_cannot_be_are_refused_with_what_to_write_and_change_nothing(lenshub, events):
    script = "".join(f"{line}\n" for line, _ in REFUSED)
    said = lenshub("review", "--as", "anna", given=f"{script}a\nq\n".encode())

    assert said.exit_code == 1
    assert [answer for _, answer in REFUSED if answer not in said.output] == []
    assert verdicts(events) == [(1, "anna", "accepted")]


def test_line_of_a_script_that_is_long_is_refused_once_and_in_short(lenshub, events):
    said = lenshub("review", "--as", "anna", given=b"a" + b"y" * 100_000 + b"\nr" + b"z" * 4000 + b"\nq\n")

    assert verdicts(events) == []
    assert said.output.count("is no command") == 2
    assert "a line of more than 4096 bytes is no command; ? lists them" in said.output
    assert max(said.output.count("y"), said.output.count("z")) < 500


def test_bytes_that_are_no_text_do_no_harm(lenshub, events):
    assert lenshub("review", "--as", "anna", given=b"\xff\xfe\nq\n").exit_code == 1
    assert verdicts(events) == []


def test_text_of_a_device_cannot_mark_up_or_turn_what_is_shown(lenshub, events):
    said = lenshub("review", "--as", "anna", given=b"q\n")

    assert "dog\\u202e[red]x[/red]" in said.output
    assert "\u202e" not in said.output


def test_verdicts_by_id_say_which_could_not_be_given(lenshub, events):
    said = lenshub("review", "accept", "1", "99", "--as", "anna", "--note", "fine")
    assert said.exit_code == 1
    assert "event 1: accepted" in said.output
    assert "there is no event 99" in said.output

    answers = json.loads(lenshub("review", "reject", "1", "--as", "ben", "--json").output)
    assert answers == [
        {
            "event": 1,
            "ok": True,
            "answer": "event 1: rejected; another reviewer says otherwise: it is disputed",
        }
    ]
    assert "It is disputed" in lenshub("explain", "1").output
    (waits,) = json.loads(lenshub("review", "list", "--disputed", "--json").output)
    assert [(word["reviewer"], word["verdict"]) for word in waits["words"]] == [
        ("anna", "accepted"),
        ("ben", "rejected"),
    ]
    settled = lenshub("review", "--disputed", "--as", "carol", given=b"a\n")
    assert "anna said accepted: fine" in settled.output
    assert (
        json.loads(lenshub("explain", "1", "--json").output)["event"]["attributes"]["reviewed_by"] == "carol"
    )


def test_correct_says_what_is_there_in_pixels_or_that_nothing_is(lenshub, events):
    lenshub("review", "correct", "1", "--box", "big cat 16 12 32 24", "--box", "indoors", "--as", "anna")
    cat, whole = json.loads(lenshub("explain", "1", "--json").output)["event"]["detections"]
    assert (cat["label"], cat["box"]) == ("big cat", {"left": 0.25, "top": 0.25, "width": 0.5, "height": 0.5})
    assert (whole["label"], whole["box"]) == ("indoors", None)

    lenshub("review", "correct", "2", "--nothing", "--as", "anna")
    assert json.loads(lenshub("explain", "2", "--json").output)["event"]["detections"] == []
    assert lenshub("review", "correct", "3", "--as", "anna").exit_code == 2


def test_undo_and_status_tell_what_is_left(lenshub, events):
    lenshub("review", "accept", "1", "2", "--as", "anna")
    assert "event 2: no longer accepted by anna" in lenshub("review", "undo", "--as", "anna").output
    found = json.loads(lenshub("review", "status", "--json").output)

    assert found["reasons"] == [{"reason": "rare", "waiting": 2, "done": 1}]
    (anna,) = found["reviewers"]
    assert (anna["name"], anna["verdicts"], anna["holds"]) == ("anna", {"accepted": 1}, 0)
    assert "rare" in lenshub("review", "status").output
    assert lenshub("review", "undo", "--as", "ben").exit_code == 1


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--as", "a,b"), "a name has 1 to 64"),
        (("--confidence", "0.7-0.2"), "--confidence: must be like 0.4-0.6"),
        (("--confidence", "nan"), "--confidence: must be like 0.4-0.6"),
        (("--since", "2026-11-20", "--until", "2026-11-19"), "is not after"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_line(lenshub, events, options, problem):
    said = lenshub("review", *options, given=b"q\n")

    assert said.exit_code in {1, 2}
    assert problem in said.output


@pytest.mark.parametrize("options", [("--all",), ("--label", "cup"), ("-n", "3"), ("--as", "anna")])
def test_options_before_the_command_are_refused_in_a_line(lenshub, events, options):
    said = lenshub("review", *options, "list")

    assert (said.exit_code, said.output.count("\n")) == (2, 1)
    assert re.fullmatch(r"lenshub review list: put --\w+ after list\n", said.output)


def test_picture_is_opened_in_the_viewer_of_choice_with_its_boxes(lenshub, events, tmp_path, monkeypatch):
    seen = tmp_path / "seen.png"
    monkeypatch.setenv("LENSHUB_VIEWER", f"cp --target-directory={tmp_path}")
    said = lenshub("review", "--open", "--as", "anna", "--limit", "1", given=b"a\n")
    assert said.exit_code == 0, said.output

    monkeypatch.setenv("LENSHUB_VIEWER", "no-such-viewer")
    said = lenshub("review", "--open", "--as", "anna", given=b"q\n")
    assert "no-such-viewer: cannot be started" in said.output
    assert not seen.exists()


PLAIN = ("NO_COLOR", "COLUMNS", "LINES")


class Terminal:
    """`lenshub review` on a terminal of its own; what it writes is collected in `text`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self._side, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        kept = {name: value for name, value in os.environ.items() if name not in PLAIN}
        before = signal.signal(
            signal.SIGINT, signal.default_int_handler
        )  # what is ignored here is ignored there
        self.process = subprocess.Popen(
            [Path(sys.executable).with_name("lenshub"), "review", *arguments],
            cwd=folder,
            env={**kept, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        signal.signal(signal.SIGINT, before)
        os.close(terminal)
        self.text = ""

    def type(self, keys: str) -> None:
        os.write(self._side, keys.encode())

    def expect(self, words: str, timeout_s: float = 60) -> str:
        """Read until these words are there, and return what came before them."""
        deadline = time.monotonic() + timeout_s
        while words not in self.text:
            assert time.monotonic() < deadline, self.text[-2000:]
            if select.select([self._side], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self._side, 65536).decode(errors="replace")
                except OSError:  # it has ended
                    assert words in self.text, self.text[-2000:]
        before, _, self.text = self.text.partition(words)
        return before

    def wait(self) -> int:
        return self.process.wait(60)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._side)


@pytest.fixture
def terminal(folder):
    """A function that opens a `Terminal`; they are closed at the end."""
    with ExitStack() as opened:

        def open_terminal(*arguments: str) -> Terminal:
            screen = Terminal(folder, *arguments)
            opened.callback(screen.close)
            return screen

        yield open_terminal


def test_terminal_shows_the_picture_takes_keys_and_gives_back_what_is_held_on_ctrl_c(terminal, events):
    screen = terminal("--as", "anna")
    shown = screen.expect("q quit")
    assert shown.count("▀") > 100
    assert re.search(r"38;2;\d+;\d+;\d+", shown)
    assert "1 of 3, today 0" in shown
    assert "chosen for: rare" in shown

    screen.type("l")
    screen.expect("> ")
    screen.type("1 mug\n")
    assert "mug" in screen.expect("q quit")
    screen.type("\x1b[Aa")
    assert "event 1: corrected" in screen.expect("q quit")
    screen.type("r")
    screen.expect("q quit")
    assert events.sql("SELECT event_id, reviewer FROM leases") == [(3, "anna")]

    screen.process.send_signal(signal.SIGINT)
    screen.expect("given back")
    screen.expect("anna: 1 corrected, 1 rejected")
    assert screen.wait() == 0
    assert events.sql("SELECT COUNT(*) FROM leases") == [(0,)]
    assert [row[2] for row in verdicts(events)] == ["corrected", "rejected"]


def test_script_is_told_of_a_picture_that_is_gone_before_any_verdict(lenshub, events):
    assert "its picture is gone" not in lenshub("review", "--as", "anna", given=b"q\n").output
    for path in (events.data_dir / "frames").rglob("*.jpg"):
        path.unlink()
    told = lenshub("review", "--as", "anna", given=b"a\nq\n").output

    assert 0 <= told.find("its picture is gone") < told.find("event 1: accepted")


def test_picture_that_is_gone_is_told_and_the_event_can_be_rejected(terminal, events):
    for path in (events.data_dir / "frames").rglob("*.jpg"):
        path.unlink()
    screen = terminal("--as", "anna", "--limit", "1")
    assert "its picture is gone" in screen.expect("q quit")
    screen.type("r")
    screen.expect("That is all you asked for.")
    screen.expect("anna: 1 rejected")
    assert screen.wait() == 0
