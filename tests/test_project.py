"""What holds the project together besides its code: pinned versions, clean files, links that lead on."""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.testing import CliRunner

ROOT = Path(__file__).parent.parent
PINS = dict(re.findall(r"^([a-z0-9-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
MACHINE_TRACES = re.compile(
    rb"/(?:root|work|Users|home)/\w|(?:index-ur[l]|find-link[s])\b|https?://[^\s\"'<>]+/simple\b"
)
LINK = re.compile(r"\]\(([^)\s]+)\)|<img[^>]+src=\"([^\"]+)\"")


def requirements(name: str, extras: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield what an installed distribution asks for here, with the extras it asks for."""
    for line in importlib.metadata.requires(name) or ():
        wanted = Requirement(line)
        if not wanted.marker or any(wanted.marker.evaluate({"extra": extra}) for extra in extras | {""}):
            yield canonicalize_name(wanted.name), frozenset(wanted.extras)


def needed_distributions() -> set[str]:
    """Return the names of everything `lenshub[dev]` brings with it, however indirectly."""
    seen: set[tuple[str, frozenset[str]]] = set()
    ahead = [("lenshub", frozenset({"dev"}))]
    while ahead:
        if (one := ahead.pop()) not in seen:
            seen.add(one)
            ahead.extend(requirements(*one))
    return {name for name, _ in seen} - {"lenshub"}


def tracked_files(git: str) -> list[Path]:
    """Return the files that are, or are about to be, under version control."""
    command = [git, "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def anchors(page: Path) -> set[str]:
    """Return the fragments that GitHub makes of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(page: Path) -> list[str]:
    """Return the relative links of a page that lead nowhere."""
    broken = []
    for link in (a or b for a, b in LINK.findall(page.read_text())):
        place, _, fragment = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        external = re.match(r"[a-z]+:", link)
        missing = not target.exists() or (fragment and fragment not in anchors(target))
        if not external and missing:
            broken.append(link)
    return broken


def commands_named(text: str, program: str) -> set[str]:
    """Return the first words that follow `program` in a page's code."""
    code = re.findall(r"```.*?\n(.*?)```|`([^`\n]+)`", text, re.DOTALL)
    return {word for a, b in code for word in re.findall(rf"(?m)^\s*{program} ([a-z][a-z-]*)", a or b)}


def test_constraints_pin_every_distribution_that_development_needs():
    unpinned = needed_distributions() - PINS.keys()

    assert unpinned == set()


def test_constraints_name_the_versions_that_are_installed():
    installed = {name: importlib.metadata.version(name) for name in needed_distributions()}

    assert {name: PINS.get(name) for name in installed} == installed


def test_tracked_files_hold_no_path_or_registry_of_somebodys_machine(require_program):
    traces = {
        path.relative_to(ROOT): found.group().decode()
        for path in tracked_files(require_program("git"))
        if (found := MACHINE_TRACES.search(path.read_bytes()))
    }

    assert traces == {}


def test_readme_names_only_commands_that_make_knows():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    named = commands_named((ROOT / "README.md").read_text(), "make")

    assert {"demo", "test"} <= named <= targets


@pytest.mark.parametrize(("program", "package"), [("lenshub", "hub.cli"), ("lenshub-edge", "edge.cli")])
def test_readme_names_only_commands_that_the_program_knows(program, package):
    app = importlib.import_module(package).app
    for command in commands_named((ROOT / "README.md").read_text(), program):
        assert CliRunner().invoke(app, [command, "--help"]).exit_code == 0, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere_on(page):
    assert broken_links(page) == []


def test_pages_that_code_and_settings_mention_exist(require_program):
    texts = [path for path in tracked_files(require_program("git")) if path.suffix in {".py", ".toml"}]
    mentioned = {page for path in texts for page in re.findall(r"\bdocs/[\w/-]+\.md", path.read_text())}

    assert {page for page in mentioned if not (ROOT / page).is_file()} == set()


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_index_leads_to_every_page_of_the_docs(page):
    index = ROOT / "docs" / "index.md"

    assert page == index or f"({page.relative_to(ROOT / 'docs')})" in index.read_text()


def test_wheel_holds_every_file_of_its_packages(tmp_path, require_program):
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")

    names = {str(path.relative_to(ROOT)) for path in tracked_files(require_program("git"))}
    packaged = {name for name in names if name.split("/")[0] in {"hub", "plugins", "edge", "migrations"}}

    assert packaged <= set(zipfile.ZipFile(wheel).namelist())
