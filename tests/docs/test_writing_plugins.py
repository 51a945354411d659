"""docs/writing-plugins.md: its code runs, and its hooks are those of the specification."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from hub.config import Config
from hub.loading import installed_plugins, list_hooks
from hub.plugin import Specifications

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "writing-plugins.md").read_text(encoding="utf-8")
HOOKS = [name for name in vars(Specifications) if not name.startswith("_")]


def signature(hook):
    """Return a hook as a heading has it: its name and arguments."""
    parameters = list(inspect.signature(getattr(Specifications, hook)).parameters)[1:]
    return f"{hook}({', '.join(parameters)})"


def test_docs_have_a_section_for_each_hook_headed_by_its_signature():
    section = TEXT.split("\n## The hooks\n")[1].split("\n## ")[0]

    assert re.findall(r"^### (.+)$", section, re.MULTILINE) == [signature(hook) for hook in HOOKS]


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_has_a_user_among_the_plugins_of_ours(hook):
    ours = [entry for entry in installed_plugins().values() if entry.value.startswith("plugins.")]

    assert any(hook in list_hooks(entry.load()) for entry in ours)


def test_code_of_the_tutorial_passes_its_own_tests(tmp_path):
    blocks = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", TEXT, re.DOTALL)
    assert [name for name, _ in blocks] == ["bell.py", "test_bell.py"]
    for name, code in blocks:
        (tmp_path / name).write_text(code)
    options = ["asyncio_mode=auto", "asyncio_default_fixture_loop_scope=function", "pythonpath=."]
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", *(f"-o{option}" for option in options)]
    ran = subprocess.run([*command, "--rootdir=."], cwd=tmp_path, capture_output=True, text=True)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "4 passed" in ran.stdout


@pytest.mark.parametrize("example", re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL))
def test_tables_of_the_docs_are_configuration(example):
    table = tomllib.loads(example)

    assert Config.model_validate(table, context={"instances": table["plugins"]})
