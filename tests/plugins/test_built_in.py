"""The four built-in plugins side by side: as hub.toml ships them, run by dispatch, and as documented."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from hub.dispatch.dispatch import Dispatch
from hub.loading import installed_plugins, load_instance
from hub.settings_table import example_table, list_settings, plain_default
from hub.store.schema import deliveries

ROOT = Path(__file__).parents[2]
NAMES = ["s3-archive", "retraining", "threshold-alerts", "tweet"]
# Not in hub.toml: what takes things in, and what is paid for, is for those who ask for it.
ALL = [*NAMES, "inbox", "isbn", "rekognition"]
TABLES = tomllib.loads((ROOT / "hub.toml").read_text())["plugins"]
DOCS = (ROOT / "docs/plugins.md").read_text()
ALERTS = (ROOT / "docs/alerts.md").read_text()
REKOGNITION = (ROOT / "docs/rekognition.md").read_text()
EXAMPLES = re.findall(r"```toml\n(.*?)```", DOCS + ALERTS + REKOGNITION, re.DOTALL)


@asynccontextmanager
async def dispatching(hub: Any, tables: dict[str, Any]) -> AsyncIterator[None]:
    loaded = [load_instance(name, table, hub.data_dir) for name, table in tables.items()]
    ready = asyncio.Event()
    running = asyncio.create_task(Dispatch(hub.writer, hub.log, hub.frames).run(loaded, ready))
    await ready.wait()
    yield
    running.cancel()
    await asyncio.wait([running])


async def outcomes(hub: Any) -> dict[tuple[str, str], int]:
    """Return how many rows there are of each (plugin, outcome)."""
    columns = deliveries.c.plugin, deliveries.c.outcome
    query = select(*columns, func.count()).group_by(*columns)
    rows = await hub.writer.change(lambda connection: connection.execute(query).all())
    return {(plugin, outcome): count for plugin, outcome, count in rows}


async def test_built_in_plugins_deliver_as_configured(hub: Any, picture: bytes, wait_until: Any) -> None:
    tables = {
        name: {key: v for key, v in table.items() if key != "max_age_s"} for name, table in TABLES.items()
    }
    expected = {
        ("s3-archive", "done"): 3,
        ("retraining", "done"): 3,
        ("threshold-alerts", "done"): 1,
        ("threshold-alerts", "skipped"): 2,
        ("tweet", "done"): 3,
    }
    async with dispatching(hub, tables):
        for _ in range(3):
            await hub.store(picture)

        async def settled() -> bool:
            return await outcomes(hub) == expected

        await wait_until(settled)
    assert len(list((hub.data_dir / "archive/raw_images").rglob("*.jpg"))) == 3
    assert len(list((hub.data_dir / "training/training_annotation").glob("*.json"))) == 3


def test_built_in_plugins_are_those_of_the_shipped_configuration() -> None:
    assert sorted(TABLES) == sorted(NAMES)
    ours = {name for name, e in installed_plugins().items() if e.value.startswith("plugins.")}
    assert ours == set(ALL)


def test_built_in_plugins_load_nothing_heavy_before_they_need_it() -> None:
    script = (
        "import sys; from pathlib import Path; from hub.loading import Loaded, load_instance\n"
        f"assert all(isinstance(load_instance(n, {{}}, Path()), Loaded) for n in {ALL})\n"
        "heavy = {'cv2', 'numpy', 'botocore', 'aiohttp', 'tweepy', 'apprise', 'requests'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ALL)
def test_docs_list_every_setting_with_its_default(name: str) -> None:
    section = DOCS.split(f"\n## {name}\n")[1].split("\n## ")[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.MULTILINE))
    fields = installed_plugins()[name].load().Settings.model_fields
    assert list(documented) == list(fields)
    for setting, text in documented.items():
        if literal := re.fullmatch(r"`(.*)`", text):  # else it is told in words
            told = tomllib.loads(f"found = {literal[1]}")["found"]
            assert (setting, told) == (setting, plain_default(fields[setting]))


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: text.splitlines()[0])
def test_docs_examples_are_settings_without_problems(
    example: str, problems: Callable[..., tuple[str, ...]]
) -> None:
    tables = tomllib.loads(example)["plugins"]
    assert [problem for name, table in tables.items() for problem in problems(name, **table)] == []


@pytest.mark.parametrize("name", ALL)
def test_example_table_of_a_plugin_loads_and_names_its_defaults(
    name: str, problems: Callable[..., tuple[str, ...]]
) -> None:
    model = installed_plugins()[name].load().Settings
    table = example_table(name, model)
    assert [s.name for s in list_settings(model) if "." not in s.name] == list(model.model_fields)
    ((found, settings),) = tomllib.loads(table)["plugins"].items()
    assert (found, settings, problems(name, **settings)) == (name, {}, ())
    every = tomllib.loads(re.sub(r"(?m)^# ", "", table))["plugins"][name]
    fields = model.model_fields
    assert list(every) == list(fields)
    defaults = {n: d for n in fields if (d := plain_default(fields[n])) is not None}
    assert every == every | defaults


@pytest.mark.parametrize("name", ALL)
def test_every_setting_and_member_of_a_table_has_a_meaning(name: str) -> None:
    settings = list_settings(installed_plugins()[name].load().Settings)
    assert [setting.name for setting in settings if not setting.meaning] == []
