"""Old source, repaired and run: what it says must be what Python 2 said."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from edge.deeplens.repair import shims
from edge.deeplens.repair.source import SourceError, repair_file
from edge.deeplens.repair.tree import SHIMS


def run(folder: Path, source: str | bytes) -> tuple[str, list[str]]:
    """Return what a repaired source prints, and the repairs."""
    path = folder / "old.py"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    repaired = repair_file(path)
    names = {SHIMS: shims} | (shims.python2_names() if repaired.python2 else {})
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(repaired.code, names)  # noqa: S102 - running it is the test
    return printed.getvalue(), repaired.repairs


@pytest.mark.parametrize(
    ("source", "printed"),
    [
        ("print 'a', 1", "a 1\n"),
        ("print\nprint 1", "\n1\n"),
        ("print ('%s') % 1", "1\n"),
        ("try: raise KeyError, 'k'\nexcept KeyError, e: print e.args[0]; print 2", "k\n2\n"),
        ("for i in 1, 2: f = lambda: i; print f(),", "1 2 "),
        ("print 'a',\nprint 'b'", "a b\n"),
        ("print ('a' +\n  'b') * 2", "abab\n"),
        ("if 1: print 'a'; print 'b'\nelse: print 'c'", "a\nb\n"),
        ("print '%s' % 'print x'  # print y", "print x\n"),
        ("try:\n  raise ValueError, 'no'\nexcept (ValueError, TypeError), e:\n  print e", "no\n"),
        ("print 7 / 2, 7 / 2.0, -7 / 2", "3 3.5 -4\n"),
        ("from __future__ import division\nprint 7 / 2", "3.5\n"),
        ("from __future__ import print_function\nprint('a', end='')\nx = 1 <> 2", "a"),
        ("print 0644, 10L, 0xFFL, 1 <> 2", "420 10 255 True\n"),
        ("print `1` + `'a'`", "1'a'\n"),
        ("d = {'a': 1}\nprint d.has_key('a'), d.keys()[0], list(d.iteritems())", "True a [('a', 1)]\n"),
        ("print map(str, range(3))[1], zip('ab', 'cd')[0], xrange(3)[2]", "1 ('a', 'c') 2\n"),
        ("exec 'print(1)'\nprint isinstance(u'a', basestring)", "1\nTrue\n"),
        ("def f():\n\tif 1:\n        \treturn 5\nprint f()", "5\n"),
        ("print '''a\n\tb''', ur'\\d'", "a\n\tb \\d\n"),
        ("f = lambda x: x\nprint {'a': f}['a'](2), [1, 2][0:1]", "2 [1]\n"),
        ("print 'a' if True else 'b'\nclass A: pass\nprint A.__name__", "a\nA\n"),
        ("def f():\n\tx = 7\n        return x / 2\nprint(f())", "3\n"),
        ("x = 0\ndef f():\n  x = 7\n  if x:\n    global x\nf()\nprint x", "7\n"),
    ],
)
def test_python_2_says_what_it_said(tmp_path, source, printed):
    assert run(tmp_path, source)[0] == printed


def test_python_3_is_left_alone(tmp_path):
    source = "print(7 / 2, {**{'a': 1}}, f'{1:.2f}', *map(str, range(2)))"
    assert run(tmp_path, source) == ("3.5 {'a': 1} 1.00 0 1\n", [])


def test_whole_numbers_are_divided_as_before_where_a_fraction_would_be_an_error(tmp_path):
    source = "a = [0, 1, 2, 3, 4]\nw = 5\nprint(a[(w-1)/2:-(w/4)], a[:w/2], w/2, list(range(w/2, w/1)))"
    printed, repairs = run(tmp_path, source)
    assert printed == "[2, 3] [0, 1] 2.5 [2, 3, 4]\n"
    assert "old.py: / of whole numbers in a slice, which Python 2 rounded down (line 3)" in repairs


def test_repairs_name_each_kind_once_with_its_lines(tmp_path):
    _, repairs = run(tmp_path, "print 1\n\nprint 2\nprint 3\nprint 4\nprint 5\n")
    assert repairs == ["old.py: print statement (lines 1, 3, 4 and 2 more)"]


def test_windows_line_ends_and_latin_1_are_read(tmp_path):
    printed, repairs = run(tmp_path, b"x = 'caf\xe9'\r\nprint(x)\r\n")
    assert (printed, repairs) == ("café\n", ["old.py: not UTF-8: read as Latin-1 (line 1)"])


def test_tostring_of_an_array_gives_its_bytes(tmp_path):
    source = "import numpy as np\nprint(np.ones(2, np.uint8).tostring(), np.fromstring(b'ab', np.uint8))"
    assert run(tmp_path, source)[0] == "b'\\x01\\x01' [97 98]\n"


@pytest.mark.parametrize(
    "source", ["if:\n", "x = (1\n", "print 'a\n", "\0", "match = = 1", "((" * 5000, "return 1"]
)
def test_what_cannot_be_repaired_is_explained(tmp_path, source):
    with pytest.raises(SourceError, match=r"old\.py"):
        run(tmp_path, source)


def test_text_files_take_bytes(tmp_path):
    told: list[str] = []
    opened = shims.make_open(lambda name: name, told.append)
    with opened(str(tmp_path / "f"), "w") as file:
        file.write("a")
        file.write(b"\xff\xd8")
    assert (tmp_path / "f").read_bytes() == b"a\xff\xd8"
    assert told == ["bytes written to a file opened as text"]
