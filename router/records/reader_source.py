"""The source text of an Avro reader: a function that reads the wanted fields of a record and steps over the rest.

What is written here runs once a record, so the text is unrolled for one schema and one set of fields:

- `v` is the value, `i` a position in it. A constant distance beyond `i` is carried in the text (`v[i + 2]`) and only
  added when what follows has no constant size, so that runs of fixed-size things cost nothing.
- The byte that starts a string is looked up in `S`, which gives the bytes to go on by, or 0 for all that is not a plain
  length of one byte (longer, negative); then a function of `reader_bytes` has a closer look.
- A value that ends too early shows as the IndexError of `v[i]`; lengths only ever move `i` forward, so no position is
  negative, and a length beyond the end meets its IndexError at the next byte read. Slices don't raise: what was sliced
  is checked, and a value that is walked whole compares its end.
- Facts are left as they lie in the bytes: an enum or a number as its zig-zag code, a float as its bytes. What turns them
  into values is generated too, as `values`.
- Types that contain themselves, and what is nested deeply, are stepped over by functions of their own, which count their
  depth.

Two things bound the time that hostile bytes can cost: whatever is repeated by a count either takes at least a byte, so that
the value's end stops it, or has a fixed size and is multiplied instead.

Names from the schema never enter the text: a fault's field is found by the number of the line that met it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from router.errors import InvariantError
from router.records.avro import AvroType
from router.records.field_type import Kind
from router.records.logical import RANGES, decimal_bytes
from router.records.schema import AvroSchema
from router.records.values_source import Leaf, values_source

__all__ = ["ReaderSource", "reader_source"]

_INLINE_INDENT = 12
"""Beyond this indentation a type gets its own function: Python allows 20 nested blocks and 100 indentations."""

_INLINE_WEIGHT = 40
"""A record of more leaves than this is stepped over by a function, lest repeated records multiply the text."""

_FIXED_SIZES = {Kind.NULL: 0, Kind.BOOLEAN: 1, Kind.FLOAT: 4, Kind.DOUBLE: 8}

Wanted = Mapping[str, "Wanted | int"]
"""The wanted fields of a record by name: the number of the variable that takes it, or the wanted fields inside it."""


@dataclass(frozen=True, slots=True)
class ReaderSource:
    """Python source that defines `read(v)` and `values(facts)`, and what its lines read."""

    text: str
    fields: tuple[str, ...]
    """For each line, from line 1, the dotted path of the field that it reads or steps over."""


def reader_source(schema: AvroSchema, paths: Sequence[str], *, whole: bool, start: int = 0) -> ReaderSource:
    """The source of a reader of these fields. InvariantError where a path is not a scalar field of the schema.

    `whole` walks and checks the entire value; otherwise reading stops after the last wanted field. The record begins `start`
    bytes behind the value's beginning.
    """
    variables = {path: number for number, path in enumerate(dict.fromkeys(paths))}
    wanted: dict[str, Wanted | int] = {}
    leaves: list[Leaf] = []
    for path, number in variables.items():
        field, located = schema.field(path), schema.locate(path)
        if field is None or located is None or not field.scalar:
            raise InvariantError(f"'{path}' is not a scalar field of {schema.file}")
        leaves.append(Leaf(number, schema.types.unwrap(located[0])[0], nullable=field.nullable))
        *parents, last = path.split(".")
        here = wanted
        for name in parents:
            here = here.setdefault(name, {})  # type: ignore[assignment] # a scalar has nothing inside it
        here[last] = number
    writer = _Writer(schema, whole=whole, count=len(variables), start=start)
    writer.read_function(wanted, [variables[path] for path in paths])
    text = "\n".join((*writer.lines, "", *values_source(leaves, [variables[path] for path in paths]), ""))
    return ReaderSource(text=text, fields=tuple(writer.fields))


class _Writer:
    """Writes `read` and the functions that it needs, line by line."""

    def __init__(self, schema: AvroSchema, *, whole: bool, count: int, start: int = 0) -> None:
        self.types = schema.types
        self.whole = whole
        self.left = count
        """Wanted fields that are still to be read."""
        self.lines: list[str] = []
        self.fields: list[str] = []
        self.indent = 0
        self.path: tuple[str, ...] = ()
        self.started = False
        """Whether `i` has been assigned: before that, positions are constants."""
        self.ahead = start
        """How far the position is ahead of `i`."""
        self.depth = "1"
        """The expression for how deep a function called from here would be."""
        self.sizes: dict[str, int | None] = {}
        self.functions: dict[AvroType, str] = {}
        self.waiting: list[AvroType] = []

    # The text

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)
        self.fields.append(".".join(self.path))

    @contextmanager
    def block(self, opening: str) -> Iterator[None]:
        """Lines under `opening`; at their end `i` is where it says, as it must be where branches meet."""
        self.line(opening)
        self.indent += 1
        yield
        self.flush()
        self.indent -= 1

    def at(self, further: int = 0) -> str:
        """The expression for the position, or one `further` on."""
        distance = self.ahead + further
        if not self.started:
            return str(distance)
        return f"i + {distance}" if distance else "i"

    def flush(self) -> None:
        """Make `i` the position."""
        if not self.started:
            self.line(f"i = {self.ahead}")
        elif self.ahead:
            self.line(f"i += {self.ahead}")
        self.started, self.ahead = True, 0

    def start(self) -> None:
        """Make sure that `i` can be added to."""
        if not self.started:
            self.flush()

    def slowly(self, targets: str, call: str) -> None:
        """Call a function that returns the position of a varint's last byte, so that the position is one beyond."""
        self.line(f"{targets}, i = {call}")
        if self.ahead:
            self.line(f"i -= {self.ahead}")

    # Functions

    def read_function(self, wanted: Wanted, order: list[int]) -> None:
        """`read`, and after it the functions that it came to need."""
        self.line("def read(v, S=S):")
        self.indent += 1
        self.line("try:")
        self.indent += 1
        if self.whole or self.left:
            self.read(self.types.root, wanted)
        self.path = ()
        if self.whole:
            self.line(f"if {self.at()} != len(v):")
            self.line(f"    leftover(v, {self.at()})")
        self.line(f"return ({''.join(f'f{number}, ' for number in order)})")
        self.indent -= 1
        self.line("except FAULTS as fault:")
        self.line("    raise unreadable(v, fault) from None")
        self.indent -= 1
        while self.waiting:
            self.skip_function(self.waiting.pop())

    def skip_function(self, of: AvroType) -> None:
        self.started, self.ahead, self.depth = True, 0, "d + 1"
        self.line("")
        self.line(f"def {self.functions[of]}(v, i, d, S=S):")
        self.indent += 1
        self.line("if d > DEPTH:")
        self.line("    too_deep(i)")
        self.skip_inline(of)
        self.flush()
        self.line("return i")
        self.indent -= 1

    # Reading

    def read(self, here: AvroType, wanted: Wanted | int) -> None:
        if isinstance(wanted, int):
            self.left -= 1
            self.leaf(here, f"f{wanted}")
            return
        inner, _ = self.types.unwrap(here)
        if here.kind is Kind.RECORD:
            self.record(here, wanted)
        elif wanted:
            self.index("u", len(here.branches))
            self.flush()
            with self.block(f"if u == {2 * here.branches.index(inner)}:"):
                self.record(inner, wanted)
            with self.block("else:"):
                self.line("".join(f"f{number} = " for number in _numbers(wanted)) + "None")
        else:
            self.skip(here)

    def record(self, record: AvroType, wanted: Wanted) -> None:
        outer = self.path
        for name, inner in self.types.records[record.name]:
            if not self.left and not self.whole:
                break
            self.path = (*outer, name)
            if name in wanted:
                self.read(inner, wanted[name])
            else:
                self.skip(inner)
        self.path = outer

    def leaf(self, here: AvroType, target: str) -> None:
        match here.kind:
            case Kind.UNION:
                self.union_leaf(here, target)
            case Kind.ENUM:
                self.index(target, len(here.symbols))
            case Kind.BOOLEAN:
                self.boolean(target)
            case Kind.INT | Kind.LONG:
                self.number(target, here)
            case Kind.STRING | Kind.BYTES:
                self.span(target, here)
            case _:
                size = self.fixed_size(here)
                self.line(f"{target} = v[{self.at()}:{self.at(size or 0)}]")
                self.line(f"if len(v) < {self.at(size or 0)}:")
                self.line("    raise IndexError")
                self.ahead += size or 0

    def union_leaf(self, here: AvroType, target: str) -> None:
        inner, _ = self.types.unwrap(here)
        several = inner.kind is Kind.UNION
        self.index("u", len(here.branches))
        self.flush()
        for number, branch in enumerate(here.branches):
            with self.block(f"{'elif' if number else 'if'} u == {2 * number}:"):
                if branch.kind is Kind.NULL:
                    self.line(f"{target} = None")
                    continue
                self.leaf(branch, target)
                if several:
                    # Facts of different branches must differ where the values compare equal, as 1 and true do.
                    self.line(f"{target} = (u, {target})")

    def index(self, target: str, count: int) -> None:
        """The zig-zag code of an enum's symbol or a union's branch, checked against how many there are."""
        largest = 2 * (count - 1)
        mask = 0xFF & ~largest
        exact = count & (count - 1) == 0 and count <= 64
        self.start()
        self.line(f"{target} = v[{self.at()}]")
        if exact:
            self.line(f"if {target} & {mask}:")
        else:
            self.line(f"if {target} & 129 or {target} > {largest}:")
        self.indent += 1
        self.slowly(target, f"index_at(v, {self.at()}, {count})")
        self.indent -= 1
        self.ahead += 1

    def boolean(self, target: str) -> None:
        self.line(f"{target} = v[{self.at()}]")
        self.line(f"if {target} > 1:")
        self.line(f"    no_boolean({self.at()})")
        self.ahead += 1

    def number(self, target: str, here: AvroType) -> None:
        """A zig-zag code of one to four bytes in line, of more by a function."""
        self.flush()
        more = self.whole or self.left
        indent = self.indent
        self.line(f"{target} = v[i]")
        self.line(f"if {target} > 127:")
        self.indent += 1
        for step in (1, 2, 3):
            # The byte before has its continuation bit in the sum, just where this byte's lowest bit belongs.
            self.line(f"{target} += (v[i + {step}] << {7 * step}) - {0x80 << 7 * (step - 1)}")
            if more:
                self.line(f"if {target} < {0x80 << 7 * step}:")
                self.line(f"    i += {step}")
                self.line("else:")
            else:
                self.line(f"if {target} > {(0x80 << 7 * step) - 1}:")
            self.indent += 1
        self.line(f"{target}, i = {here.kind}_at(v, i)")
        self.indent = indent
        self.ahead = 1
        if here.logical in RANGES:
            least, most = RANGES[here.logical]
            self.line(f"if {target} > {-2 * least - 1} and ({target} & 1 or {target} > {2 * most}):")
            self.line(f"    beyond(i, {here.logical!r})")

    def span(self, target: str, here: AvroType) -> None:
        """A string or bytes, as a slice that was not cut short."""
        self.start()
        self.line(f"s = S[v[{self.at()}]]")
        self.line("if s:")
        self.line(f"    i += s + {self.ahead}" if self.ahead else "    i += s")
        self.line(f"    {target} = v[i - s + 1:i]")
        self.line("else:")
        self.line(f"    s, i = span_at(v, {self.at()})")
        self.line(f"    {target} = v[s:i]")
        self.line("if i > len(v):")
        self.line("    raise IndexError")
        self.ahead = 0
        if here.kind is Kind.STRING:
            self.line(f"{target} = {target}.decode()")
        if here.logical == "uuid":
            self.line(f"{target} = uuid(i, {target})")
        elif here.logical == "decimal":
            self.line(f"if len({target}) > {decimal_bytes(here.precision)}:")
            self.line("    too_long(i)")

    # Stepping over

    def skip(self, here: AvroType) -> None:
        """Step over a value: in line, or by a function where the text would grow too deep or too long."""
        size = self.fixed_size(here)
        if size is not None:
            self.ahead += size
            return
        deep = self.indent > _INLINE_INDENT and here.kind in {Kind.RECORD, Kind.ARRAY, Kind.MAP}
        if deep or (here.kind is Kind.RECORD and self.weight(here) > _INLINE_WEIGHT):
            if here not in self.functions:
                self.functions[here] = f"skip_{len(self.functions)}"
                self.waiting.append(here)
            self.line(f"i = {self.functions[here]}(v, {self.at()}, {self.depth})")
            self.started, self.ahead = True, 0
        else:
            self.skip_inline(here)

    def skip_inline(self, here: AvroType) -> None:
        outer = self.path
        match here.kind:
            case Kind.RECORD:
                for name, inner in self.types.records[here.name]:
                    self.path = (*outer, name)
                    self.skip(inner)
            case Kind.UNION:
                self.skip_union(here)
            case Kind.ARRAY | Kind.MAP:
                self.skip_blocks(here)
            case Kind.STRING | Kind.BYTES:
                self.skip_span(here)
            case Kind.ENUM if self.whole:
                self.index("u", len(here.symbols))
            case Kind.BOOLEAN:
                self.boolean("u")
            case _:
                self.skip_number(here)
        self.path = outer

    def skip_number(self, here: AvroType) -> None:
        self.start()
        self.line(f"if v[{self.at()}] > 127:")
        self.indent += 1
        if self.whole:
            self.slowly("s", f"{here.kind}_at(v, {self.at()})")
        else:
            steps = "".join(f"{step} if v[{self.at(step)}] < 128 else " for step in range(1, 10))
            self.line(f"i += {steps}overlong({self.at()})")
        self.indent -= 1
        self.ahead += 1

    def skip_span(self, here: AvroType) -> None:
        self.start()
        if self.whole:
            self.line(f"i = {here.kind}_end(v, {self.at()})")
            self.ahead = 0
            return
        self.line(f"s = S[v[{self.at()}]]")
        self.line("if s:")
        self.line("    i += s")
        self.line("else:")
        back = f" - {self.ahead}" if self.ahead else ""
        self.line(f"    i = span_at(v, {self.at()})[1]{back}")

    def skip_union(self, here: AvroType) -> None:
        # Each depth has its own variable: a branch may hold another union before its end.
        self.index("u", len(here.branches))
        sizes = {self.fixed_size(branch) for branch in here.branches}
        if len(sizes) == 1 and None not in sizes:
            self.ahead += sizes.pop() or 0
            return
        self.flush()
        opening = "if"
        for number, branch in enumerate(here.branches):
            if self.fixed_size(branch) != 0:
                with self.block(f"{opening} u == {2 * number}:"):
                    self.skip(branch)
                opening = "elif"

    def skip_blocks(self, here: AvroType) -> None:
        """An array or a map: blocks of a count and as many items, until a count of zero."""
        count, end = f"n{self.indent}", f"e{self.indent}"
        size = self.fixed_size(here.items) if here.kind is Kind.ARRAY else None
        self.flush()
        self.line(f"{count} = v[i]")
        self.line(f"while {count}:")
        self.indent += 1
        self.line(f"if {count} & 129:")
        if self.whole:
            self.line(f"    {count}, {end}, i = block_at(v, i)")
            self.line("else:")
            self.line(f"    {count} >>= 1; {end} = 0")
        else:
            self.line(f"    {count}, i = rest_of_block(v, i)")
            self.line("else:")
            self.line(f"    {count} >>= 1")
        if size is not None:
            self.line(f"i += {count} * {size} + 1")
        else:
            self.line("i += 1")
            with self.block(f"for _ in range({count}):"):
                if here.kind is Kind.MAP:
                    self.skip_span(_KEY)
                self.skip(here.items)
        if self.whole:
            self.line(f"if {end} and i != {end}:")
            self.line("    wrong_block(i)")
        self.line(f"{count} = v[i]")
        self.indent -= 1
        self.ahead = 1

    # What is known of types

    def fixed_size(self, here: AvroType) -> int | None:
        """The bytes of a type whose values all have equally many and need no check; else None."""
        if here.kind is Kind.FIXED:
            return here.size
        if here.kind is Kind.RECORD:
            if here.name not in self.sizes:
                sizes = [self.fixed_size(inner) for _, inner in self.types.records[here.name]]
                self.sizes[here.name] = None if None in sizes else sum(size or 0 for size in sizes)
            return self.sizes[here.name]
        if here.kind is Kind.BOOLEAN and self.whole:
            return None
        return _FIXED_SIZES.get(here.kind)

    def weight(self, here: AvroType, budget: int = _INLINE_WEIGHT) -> int:
        """How many types a type consists of; somewhat more than the budget where it is spent, as by one inside itself."""
        parts = here.branches
        if here.kind is Kind.RECORD:
            parts = tuple(inner for _, inner in self.types.records[here.name])
        total = 1
        for part in parts:
            if total > budget:
                break
            total += self.weight(part, budget - total)
        return total


_KEY = AvroType(kind=Kind.STRING)


def _numbers(wanted: Wanted) -> Iterator[int]:
    for inner in wanted.values():
        if isinstance(inner, int):
            yield inner
        else:
            yield from _numbers(inner)
