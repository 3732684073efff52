"""Random pairs of Avro schemas: a writer's, and a reader's that was made from it by a few edits, or has nothing to do with it.

    python tests/versions/avro_pairs.py COUNT SEED > pairs.jsonl

writes lines {"reader": …, "writer": …}; AvroVerdicts.java says how they got their verdicts. Most edits are what people do to schemas: a field comes, goes, is renamed with or
without an alias, gets or loses a default, widens, becomes nullable; a symbol comes or goes; a type moves to another namespace.
"""

from __future__ import annotations

import copy
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
NUMBERS = ("int", "long", "float", "double")
SPACES = ("", "shop", "shop.order", "bank")
FIELDS = tuple("abcdefgh")
SYMBOLS = ("NEW", "PAID", "SENT", "DONE", "LOST", "BACK")
NAMES = ("Order", "Item", "Money", "State", "Kind", "Hash", "Node")

Schema = Any


def pairs(count: int, seed: int) -> Iterator[dict[str, Schema]]:
    """That many pairs."""
    draw = random.Random(seed)
    for _ in range(count):
        writer = Maker(draw).schema(draw.randint(1, 4))
        if draw.random() < 0.1:
            reader = Maker(draw).schema(draw.randint(1, 4))
        else:
            reader = copy.deepcopy(writer)
            for _ in range(draw.choice((0, 1, 1, 1, 2, 2, 3, 5))):
                reader = edited(reader, draw)
        if draw.random() < 0.3:
            writer, reader = reader, writer
        yield {"reader": reader, "writer": writer}


class Maker:
    """Makes one schema; knows which names it has defined, and where."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.defined: list[str] = []
        self.open: list[str] = []

    def schema(self, depth: int, space: str = "") -> Schema:
        draw = self.draw
        kinds = ["primitive"] * 3 + ["enum", "fixed"]
        if depth > 0:
            kinds += ["record"] * 5 + ["array", "map", "union", "union"]
        if self.defined:
            kinds += ["reference"] * 2
        match draw.choice(kinds):
            case "primitive":
                name = draw.choice(PRIMITIVES)
                return draw.choice((name, name, name, {"type": name}))
            case "reference":
                return draw.choice(self.defined)
            case "array":
                return {"type": "array", "items": self.schema(depth - 1, space)}
            case "map":
                return {"type": "map", "values": self.schema(depth - 1, space)}
            case "union":
                return self.union(depth, space)
            case kind:
                return self.named(kind, depth, space)

    def named(self, kind: str, depth: int, space: str) -> Schema:
        draw = self.draw
        name = draw.choice(NAMES) + draw.choice(("", "2", "3"))
        schema: dict[str, Any] = {"type": kind, "name": name}
        if draw.random() < 0.3:
            space = draw.choice(SPACES)
            if space and draw.random() < 0.5:
                schema["name"] = f"{space}.{name}"
            else:
                schema["namespace"] = space
        full = f"{space}.{name}" if space else name
        if full in self.defined:
            return draw.choice(PRIMITIVES)
        if draw.random() < 0.2:
            schema["aliases"] = [draw.choice(("", "shop.", "bank.")) + draw.choice(NAMES)]
        self.defined.append(full)
        if kind == "enum":
            schema["symbols"] = draw.sample(SYMBOLS, draw.randint(1, 5))
            if draw.random() < 0.25:
                schema["default"] = draw.choice(schema["symbols"])
        elif kind == "fixed":
            schema["size"] = draw.choice((4, 8, 16))
        else:
            schema["fields"] = [
                self.field(each, depth - 1, space) for each in draw.sample(FIELDS, draw.randint(0, min(4, depth + 1)))
            ]
        return schema

    def field(self, name: str, depth: int, space: str) -> Schema:
        made = {"name": name, "type": self.schema(depth, space)}
        if self.draw.random() < 0.15:
            made["aliases"] = [self.draw.choice(FIELDS)]
        if self.draw.random() < 0.3:
            give_default(made, self.draw)
        return made

    def union(self, depth: int, space: str) -> Schema:
        branches: list[Schema] = []
        taken: set[str] = set()
        for _ in range(self.draw.randint(1, 4)):
            branch = self.schema(depth - 1, space)
            if isinstance(branch, list):
                continue
            name = branch if isinstance(branch, str) else str(branch.get("name", branch["type"]))
            if name.rpartition(".")[2] not in taken:
                taken.add(name.rpartition(".")[2])
                branches.append(branch)
        return branches or ["null", "string"]


def edited(schema: Schema, draw: random.Random) -> Schema:
    """The schema after one edit somewhere."""
    places = list(_places(schema))
    if not places:
        return changed(schema, draw)
    holder, key = draw.choice(places)
    made = changed(holder[key], draw)
    if not (isinstance(holder, list) and isinstance(made, list)):  # a union holds no union
        holder[key] = made
    return schema


def _places(schema: Schema) -> Iterator[tuple[Any, Any]]:
    """Every place of a type within a schema, by what holds it."""
    root = [schema]
    pending: list[tuple[Any, Any]] = [(root, 0)]
    while pending:
        holder, key = pending.pop()
        here = holder[key]
        if holder is not root:
            yield holder, key
        if isinstance(here, list):
            pending += [(here, number) for number in range(len(here))]
        elif isinstance(here, dict):
            pending += [(here, each) for each in ("items", "values") if each in here]
            pending += [(each, "type") for each in here.get("fields", ())]
            if here.get("type") in {"record", "enum", "fixed"} and holder is root:
                yield [here], 0  # changed in place


def changed(schema: Schema, draw: random.Random) -> Schema:
    """A type after an edit of its own."""
    if isinstance(schema, str):
        return widened(schema, draw)
    if isinstance(schema, list):
        return edited_union(schema, draw)
    match schema.get("type"):
        case "record":
            edit_record(schema, draw)
        case "enum":
            edit_enum(schema, draw)
        case "fixed":
            if draw.random() < 0.5:
                schema["size"] = draw.choice((4, 8, 16))
            else:
                rename(schema, draw)
        case _:
            return draw.choice((schema, ["null", schema] if schema["type"] != "null" else schema, "string"))
    return schema


def widened(schema: Schema, draw: random.Random) -> Schema:
    if isinstance(schema, dict):
        return ["null", schema]
    if schema in NUMBERS and draw.random() < 0.6:
        return draw.choice(NUMBERS)
    if schema in {"string", "bytes"} and draw.random() < 0.6:
        return draw.choice(("string", "bytes"))
    if schema == "null":
        return draw.choice(("null", "string"))
    return draw.choice((["null", schema], [schema], [schema, "null"], draw.choice(PRIMITIVES)))


def edited_union(branches: list[Schema], draw: random.Random) -> Schema:
    match draw.randint(0, 3):
        case 0 if len(branches) > 1:
            branches.pop(draw.randrange(len(branches)))
        case 1:
            missing = [each for each in PRIMITIVES if each not in branches and {"type": each} not in branches]
            branches.insert(draw.randint(0, len(branches)), draw.choice(missing))
        case 2:
            draw.shuffle(branches)
        case _:
            return draw.choice(branches)
    return branches


def edit_enum(schema: Schema, draw: random.Random) -> None:
    symbols = schema["symbols"]
    match draw.randint(0, 4):
        case 0 if len(symbols) > 1:
            gone = symbols.pop(draw.randrange(len(symbols)))
            if schema.get("default") == gone:
                del schema["default"]
        case 1:
            symbols.insert(draw.randint(0, len(symbols)), draw.choice([*(set(SYMBOLS) - set(symbols)), "MORE"]))
            schema["symbols"] = list(dict.fromkeys(symbols))
        case 2:
            schema["default"] = draw.choice(symbols)
        case 3:
            schema.pop("default", None)
        case _:
            rename(schema, draw)


def edit_record(schema: Schema, draw: random.Random) -> None:
    fields = schema["fields"]
    free = [each for each in FIELDS if each not in {one["name"] for one in fields}]
    match draw.randint(0, 7):
        case 0 if fields:
            fields.pop(draw.randrange(len(fields)))
        case 1 if free:
            made = {"name": draw.choice(free), "type": draw.choice((*PRIMITIVES, ["null", "string"]))}
            if draw.random() < 0.6:
                give_default(made, draw)
            fields.insert(draw.randint(0, len(fields)), made)
        case 2 | 3 if fields and free:
            field = draw.choice(fields)
            if draw.random() < 0.7:
                field["aliases"] = [field["name"]]
            field["name"] = draw.choice(free)
        case 4 if fields:
            draw.choice(fields).pop("default", None)
        case 5 if fields:
            give_default(draw.choice(fields), draw)
        case 6:
            draw.shuffle(fields)
        case _:
            rename(schema, draw)


def rename(schema: Schema, draw: random.Random) -> None:
    """Another name or another namespace, with the old one as an alias or without."""
    before = schema["name"]
    match draw.randint(0, 3):
        case 0:
            schema["name"] = f"{before.rpartition('.')[0]}.{draw.choice(NAMES)}9".removeprefix(".")
            schema["aliases"] = [before]
        case 1:
            schema["name"] = f"{draw.choice(NAMES)}8"
        case 2:
            schema["namespace"] = draw.choice(SPACES)
        case _:
            schema["aliases"] = [draw.choice(("", "shop.", "bank.")) + before.rpartition(".")[2]]
            schema["name"] = f"{before}7"


DEFAULTS: dict[str, Any] = {
    "null": None,
    "boolean": False,
    "int": 0,
    "long": 0,
    "float": 0.5,
    "double": 0.5,
    "bytes": "",
    "string": "",
    "array": [],
    "map": {},
}


def give_default(field: Schema, draw: random.Random) -> None:
    """A default that fits the type, where one is easily had."""
    of = field["type"]
    if isinstance(of, list):
        of = of[0]
    kind = of if isinstance(of, str) else of["type"]
    if kind in DEFAULTS:
        field["default"] = DEFAULTS[kind]
    elif kind == "enum" and isinstance(of, dict):
        field["default"] = draw.choice(of["symbols"])


def chosen(lines: list[str], count: int) -> list[str]:
    """That many lines of a file of verdicts: two fifths compatible, the rest of each mixture of types; of all lengths but
    the longest.
    """
    by_kind: dict[str, list[str]] = {}
    for line in sorted(set(lines), key=lambda each: (len(each), each)):
        said = json.loads(line)
        kinds = sorted({each["type"] for each in said["incompatibilities"]})
        by_kind.setdefault(" ".join(kinds) or said["verdict"], []).append(line)
    compatible = by_kind.pop("COMPATIBLE")
    picked = _spread(compatible, count * 2 // 5)
    share = (count - len(picked)) // len(by_kind)
    for each in sorted(by_kind.values(), key=len):
        picked += _spread(each, share)
    rest = [line for each in by_kind.values() for line in each if line not in set(picked)]
    return picked + _spread(rest, count - len(picked))


def _spread(lines: list[str], count: int) -> list[str]:
    """Evenly from the first three quarters."""
    upto = max(len(lines) * 3 // 4, min(len(lines), count))
    return [lines[number * upto // count] for number in range(count)] if count <= upto else lines


if __name__ == "__main__":
    if sys.argv[1] == "--choose":
        with Path(sys.argv[3]).open(encoding="utf-8") as file:
            print("".join(chosen(file.readlines(), int(sys.argv[2]))), end="")
    else:
        for pair in pairs(int(sys.argv[1]), int(sys.argv[2])):
            print(json.dumps(pair))
