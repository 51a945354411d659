"""Reads XML of strangers: elements with their lines, and no document type, so that no entity can swell.

The standard library's expat is enough for that; defusedxml was last released in 2021.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat  # nosec - every declaration is refused below

from hub.dataset.folder import UnreadableError

MOST_BYTES = 4 * 1024 * 1024
MOST_DEPTH = 32


@dataclass(slots=True)
class Element:
    """An element: its name, the line where it begins, its own text and its children."""

    name: str
    line: int
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, name: str) -> list[Element]:
        """Return the children of a name."""
        return [one for one in self.children if one.name == name]

    def first(self, name: str) -> Element:
        """Return the first child of a name; raises UnreadableError where there is none."""
        for one in self.children:
            if one.name == name:
                return one
        raise UnreadableError("value_wrong", f"line {self.line}: <{self.name}> has no <{name}>")

    def text_of(self, name: str, otherwise: str = "") -> str:
        """Return the text of the first child of a name, or another."""
        return next((one.text.strip() for one in self.children if one.name == name), otherwise)


def parse_xml(data: bytes) -> Element:
    """Return the root of an XML document.

    Raises:
        UnreadableError: `not_xml`, `xml_entities`, or `file_not_utf8` for an encoding not known.
    """
    builder = _Builder()
    try:
        builder.parser.Parse(data, True)
    except expat.ExpatError as error:
        said = expat.ErrorString(error.code)
        code = "file_not_utf8" if "encoding" in said else "not_xml"
        raise UnreadableError(code, f"line {error.lineno}: {said}") from error
    except (LookupError, ValueError, RecursionError) as error:
        raise UnreadableError("file_not_utf8", "an encoding that cannot be read; save it as UTF-8") from error
    return builder.root.children[0]


class _Builder:
    def __init__(self) -> None:
        self.root = Element("", 0)
        self._open = [self.root]
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._write

    def _refuse(self, *_: object) -> None:
        raise UnreadableError("xml_entities", "has a document type, which could declare entities")

    def _start(self, name: str, _: object) -> None:
        if len(self._open) > MOST_DEPTH:
            raise UnreadableError("not_xml", f"nested more than {MOST_DEPTH} deep")
        element = Element(name, self.parser.CurrentLineNumber)
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, _: str) -> None:
        self._open.pop()

    def _write(self, text: str) -> None:
        self._open[-1].text += text
