"""Which package may import which, so that the one way through the code cannot rot."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = ("hub", "plugins", "edge", "migrations")
SOURCES = sorted(path.relative_to(ROOT) for package in OURS for path in (ROOT / package).rglob("*.py"))

# The longest name that fits a module rules it: what else of ours it may import.
MAY_IMPORT = {
    "hub.event": (),
    "hub.errors": (),
    "hub.plugin": (
        *("hub.event", "hub.errors", "hub.decode.message"),
        *("hub.images.image", "hub.images.message"),
    ),
    "hub.images.image": (),
    "hub.images.message": ("hub.event", "hub.errors", "hub.decode.message", "hub.images.image"),
    "hub.images.settings": ("hub.aws", "hub.event", "hub.images.schedule"),
    "hub.event_schema": ("hub.event",),
    "hub.wire": ("hub.event", "hub.errors", "hub.wire"),
    "hub.draw": ("hub.event", "hub.errors", "hub.draw"),
    "hub.authored": (),
    "hub.verdicts": (),
    "hub.decode": (
        "hub.event",
        "hub.errors",
        "hub.authored",
        "hub.verdicts",
        "hub.wire.protocol",
        *("hub.wire.jpeg", "hub.wire.png", "hub.wire.exif"),
        "hub.decode",
    ),
    "hub.dataset": (
        *("hub.event", "hub.errors", "hub.verdicts", "hub.wire", "hub.decode", "hub.store"),
        "hub.dataset",
    ),
    "hub.guarded_address": (),
    "hub.guarded_http": ("hub.errors", "hub.guarded_address"),
    "plugins": (
        *("hub.plugin", "hub.event", "hub.errors", "hub.draw", "hub.template", "hub.wire"),
        *("hub.dispatch.match_names", "hub.dataset.likeness", "hub.verdicts"),
        *("hub.aws", "hub.guarded_address", "hub.guarded_http", "plugins"),
        *("edge.model", "edge.model_card"),  # a classifier of your own has the agent's format
    ),
    "edge": ("hub.event", "hub.errors", "hub.wire", "hub.draw", "edge"),
    "edge.evaluation": (  # for whoever has the training set: the hub's side
        *("hub.event", "hub.errors", "hub.wire", "hub.draw", "hub.dataset", "edge"),
    ),
    "edge.training.finetune": (
        *("hub.event", "hub.errors", "hub.wire", "hub.draw", "hub.dataset", "hub.words", "edge"),
    ),
}
# What may be imported only there.
ONLY_IN = {
    "sqlalchemy": ("hub.store", "migrations"),
    "aiosqlite": ("hub.store", "migrations"),
    "alembic": ("hub.store", "migrations"),
    "paho": ("hub.wire.connection", "hub.wire.connect_error"),
    "cryptography": ("hub.wire.pem", "hub.authority"),
}


def module_of(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def parse(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text(), str(path))


def imported(path: Path) -> Iterator[str]:
    """Yield every module a file imports, also inside functions; `from a import b` yields a.b."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def rule_for(module: str) -> tuple[str, ...] | None:
    ruling = [name for name in MAY_IMPORT if is_within(module, (name,))]
    return MAY_IMPORT[max(ruling, key=len)] if ruling else None


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_module_imports_of_ours_only_what_its_package_may(path: Path) -> None:
    allowed = rule_for(module_of(path))
    ours = [name for name in imported(path) if is_within(name, OURS)]
    assert [name for name in ours if allowed is not None and not is_within(name, allowed)] == []


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_module_imports_no_library_that_belongs_to_another(path: Path) -> None:
    module = module_of(path)
    kept_elsewhere = tuple(library for library, homes in ONLY_IN.items() if not is_within(module, homes))
    assert [name for name in imported(path) if is_within(name, kept_elsewhere)] == []


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_module_leaves_the_inside_of_aiomqtt_alone(path: Path) -> None:
    if module_of(path) == "hub.wire.connection" or not any(
        is_within(n, ("aiomqtt",)) for n in imported(path)
    ):
        return
    touched = [
        node for node in ast.walk(parse(path)) if isinstance(node, ast.Attribute) and node.attr == "_client"
    ]
    assert all(isinstance(node.value, ast.Name) and node.value.id == "self" for node in touched)


def test_rules_name_modules_that_exist() -> None:
    modules = {module_of(path) for path in SOURCES}
    ruled = {*MAY_IMPORT, *(home for homes in ONLY_IN.values() for home in homes)}
    assert ruled <= modules


@pytest.mark.parametrize("module", ["hub.program", "edge.agent"])
def test_program_without_tls_does_not_wait_for_cryptography(module: str) -> None:
    script = f"import sys, {module}; assert 'cryptography' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_commands_do_not_wait_for_what_only_the_cloud_demo_needs() -> None:
    code = "import sys, hub.cli; print(*(name for name in sys.modules if name.startswith('hub.demo.cloud')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
