"""Every error of the router, grouped by who must act on it.

    RouterError
    ├── ConfigError       a team: routes, schemas or settings say something that cannot work; nothing took effect
    │   ├── InvalidRoutes        (language.findings) the gathered findings of a route set
    │   ├── UnreadableFile       (language.files) a route file or its folder cannot be read
    │   ├── InvalidWhere         (language.cel.problems) an expression is wrong, with all that is wrong with it
    │   ├── NotDefinitions       (rabbitmq.definitions) the file is no export of a RabbitMQ
    │   ├── UnclearVhost         (rabbitmq.definitions) it has several virtual hosts, and none was named
    │   ├── AmbiguousField       (versions.compatibility) a field has several counterparts in the version that wrote it
    │   ├── Uncarried            (versions.carrying) a value of one type cannot become one of another by itself
    │   ├── InvalidSettings      (settings) the gathered faults of the environment
    │   ├── WrongQuestion        (tables.questions) what was asked of a table makes no sense
    │   ├── WrongSelection       (redrive.selection) what was asked about dead letters or a group makes no sense
    │   ├── UnfitClient          (consumer.errors) a setting of a client contradicts what the ready-made consumer promises
    │   ├── TopicMissing         (consumer.errors) a topic that it needs is missing, or may not be seen
    │   ├── CannotServe          (console.serving) the console cannot begin
    │   ├── WrongPhase           (migrations.phases) a step does not follow from where a migration is
    │   ├── CannotMigrate        (migrations.conducting) what stands in the way of a migration's step
    │   ├── CannotClose          (migrations.access) these brokers close no topic to writers, or not for whoever asks
    │   ├── NotMovable           (migrations.spreading) a group cannot go on in its topic's next generation now
    │   ├── NoConversion         (records.conversion) two versions of a subject have no conversion between them
    │   ├── NoSplit              (records.splitting) a subject is not to be split, or not by what was written
    │   └── InvalidSchema        a schema in the catalogue cannot be used
    ├── RecordError       nobody at once: this one record becomes a dead letter, the rest flow on
    │   ├── Unreadable           its bytes are not what its schema says
    │   │   └── UnknownRevision      it does not say which revision of its schema wrote it, or one that nobody kept
    │   ├── TooLarge             a copy would exceed what its destination takes
    │   ├── Refused              the broker refuses a copy for what is in it
    │   ├── Deadly               (lanes.suspicion) processes ended while they were at work on it
    │   ├── Unrejectable         (consumer.errors) no worker wrote it, so nobody knows where to reject it
    │   ├── TooManyHops          it has been through routers so often that it must be going round
    │   ├── WhereFailed          (language.cel.failure) an expression has no value on it
    │   ├── ConversionFailed     (versions.encoding) it has no counterpart in the version that is wanted
    │   ├── KeyMismatch          its key is not the field that its exchange says the key carries
    │   ├── OrderUnknown         (records.order_errors) it does not say where in its key's order it belongs
    │   ├── NotRelayed           (order.relayed) it lies in an internal topic, and the router did not send it there for routes of now
    │   ├── OrderGap             (records.order_errors) it waited in vain for what comes before it, and its exchange sets such records aside
    │   ├── Late                 (records.order_errors) it comes after its place in its key's order was given up
    │   ├── IllegalTransition    (records.order_errors) its key's states never lead to the state that it carries
    │   ├── UnknownType          (records.splitting) it is of a type that its topic's split does not name
    │   ├── NotConverted         (records.conversion) one copy of it cannot be made in its consumer's version
    │   └── ConditionFailed      a binding's `where` has no value on it, and the binding asked for a dead letter then
    ├── TransientError    the lane: back off and try again; visible in readiness meanwhile
    │   ├── BrokerUnavailable    no broker answers
    │   ├── DestinationUnavailable  a topic that a copy needs is missing or forbidden
    │   ├── DeliveryFailed       a batch was not delivered
    │   │   └── DeliveryRefused      the broker refuses it for what is in it
    │   ├── CommitFailed         the group did not take an offset
    │   ├── Fenced               another producer has taken the lane's transactional id
    │   ├── AnswerLost           (lanes.kafka) a coordinator may still do what it was asked for in the last transaction
    │   ├── TransactionsForbidden   this worker may not use its transactional ids
    │   ├── GroupLost            (consumer.errors) a ready-made consumer cannot commit
    │   ├── TopicRefused         (commands.cluster) the cluster does not create or change a topic as it was asked to
    │   ├── ChangelogUnfit       (order.table_errors) the changelog of a table is missing, or has not the partitions of its source
    │   ├── DiskFailed           (order.table_errors) what a worker keeps of a table cannot be read or written
    │   ├── Superseded           (redrive.carrying) another command over the same dead letters has begun
    │   ├── GroupMoved           (redrive.groups) a group got members, or moved, before its offset could be moved
    │   ├── ReplayExists         (replay.log) a replay of this id was asked for already
    │   ├── ReplayUnknown        (replay.serving) a lane is in the midst of a replay that nobody tells it of
    │   ├── MigrationMoved       (migrations.log) somebody else has taken a migration a step further
    │   ├── TypeRefused          (migrations.splitting) a record is of a type that its topic's split goes past none of
    │   ├── NotUnderWay          (migrations.under_way) a mirror is to copy what nobody has it copy any more
    │   ├── PlacesExpired        (migrations.under_way) a mirror has copied, and its group has no place any more
    │   ├── NotMoved             (migrations.generation_lanes) nobody has said where a group goes on in a topic's next generation
    │   ├── MovedOn              (migrations.generation_lanes) a group goes on in a topic's next generation, and not here
    │   ├── NotSettled           (migrations.conducting) mirrors have not followed a step in time
    │   ├── Gap                  a batch does not follow what its lane carried last
    │   └── OffsetOutOfRange     what the group committed is not in the log any more
    └── InvariantError    us: the router contradicts itself; the worker stops before it can do harm
        ├── WrittenOutside       (order.table_errors) somebody changed a table, and not in the transaction of its lane
        └── UnreadableState      what a table keeps is not what this version of the router writes there

Attributes hold the facts and `__str__` composes the text from them; a raise site passes facts. `reason` is a stable slug
that dead-letter headers, metrics and logs share: programs match on it, never on the prose.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BrokerUnavailable",
    "CommitFailed",
    "ConditionFailed",
    "ConfigError",
    "DeliveryFailed",
    "DeliveryRefused",
    "DestinationUnavailable",
    "Fenced",
    "Gap",
    "InvalidSchema",
    "InvariantError",
    "KeyMismatch",
    "OffsetOutOfRange",
    "RecordError",
    "Refused",
    "RouterError",
    "TooLarge",
    "TooManyHops",
    "TransactionsForbidden",
    "TransientError",
    "UnknownRevision",
    "Unreadable",
    "UnreadableState",
]


class RouterError(Exception):
    """The root: catches all that the router raises on purpose."""

    reason: ClassVar[str] = "error"


class ConfigError(RouterError):
    """What a team declared cannot work. Shown with its place and the way out; never half applied."""

    reason = "config"


class InvalidSchema(ConfigError):
    """A schema of the catalogue cannot be parsed or used."""

    reason = "invalid-schema"

    def __init__(self, *, file: str, problem: str) -> None:
        super().__init__(file, problem)
        self.file = file
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"


class RecordError(RouterError):
    """One record cannot be routed. It goes to the dead letters with its original bytes; the partition flows on."""

    reason = "record"


class Unreadable(RecordError):
    """The value's bytes do not follow its schema where routes need to read it."""

    reason = "unreadable"

    def __init__(self, *, field: str, position: int, problem: str) -> None:
        super().__init__(field, position, problem)
        self.field = field
        """Dotted path of the field that was being read; empty where the whole value is at fault."""
        self.position = position
        """Byte offset in the value at which reading failed; -1 where the format has none."""
        self.problem = problem

    def __str__(self) -> str:
        where = f"field '{self.field}'" if self.field else "the value"
        at = f" at byte {self.position}" if self.position >= 0 else ""
        return f"{where} cannot be read{at}: {self.problem}"


class UnknownRevision(Unreadable):
    """The record's subject says that each record tells its revision, and this one tells none that the catalogue has."""

    reason = "unknown-revision"

    def __init__(self, *, position: int, problem: str, field: str = "") -> None:
        super().__init__(field=field, position=position, problem=problem)


class TooLarge(RecordError):
    """A copy, with the headers that the router adds, is more than its destination's `max.message.bytes`."""

    reason = "too-large"

    def __init__(self, *, topic: str, size: int) -> None:
        super().__init__(topic, size)
        self.topic = topic
        self.size = size
        """Bytes of the copy as a record batch of its own."""

    def __str__(self) -> str:
        return f"a copy of {self.size} bytes is more than topic '{self.topic}' takes"


class Refused(RecordError):
    """The destination's broker does not take this copy, whatever it is batched with."""

    reason = "refused"

    def __init__(self, *, topic: str, problem: str) -> None:
        super().__init__(topic, problem)
        self.topic = topic
        self.problem = problem

    def __str__(self) -> str:
        return f"topic '{self.topic}' does not take it: {self.problem}"


class TooManyHops(RecordError):
    """The record's hop headers say that it has been through routers too often: a cycle of topics."""

    reason = "too-many-hops"

    def __init__(self, *, hops: int, limit: int) -> None:
        super().__init__(hops, limit)
        self.hops = hops
        self.limit = limit

    def __str__(self) -> str:
        return f"{self.hops} hops are more than the limit of {self.limit}: topics feed each other in a cycle"


class KeyMismatch(RecordError):
    """The record's key is not the value of the field that its exchange declares as `key:`."""

    reason = "key-mismatch"

    def __init__(self, *, field: str, key: bytes | None, value: object) -> None:
        super().__init__(field, key, value)
        self.field = field
        self.key = key
        self.value = value

    def __str__(self) -> str:
        return f"the record's key is {self.key!r}, its field '{self.field}' is {self.value!r}"


class ConditionFailed(RecordError):
    """A binding's condition could not be evaluated on the record: its destination's copy is set aside."""

    reason = "condition-failed"

    def __init__(self, *, where: str, destination: str, topic: str | None, place: str) -> None:
        super().__init__(where, destination, topic, place)
        self.where = where
        """The condition."""
        self.destination = destination
        """What the binding leads to, in words."""
        self.topic = topic
        """Its name where that is a topic."""
        self.place = place
        """`file:line:column` of the binding."""

    def __str__(self) -> str:
        return f"`{self.where}` of the binding at {self.place} to {self.destination} cannot be evaluated on this record"


class TransientError(RouterError):
    """Something outside is not as it should be now. The lane backs off, says so, and tries again."""

    reason = "transient"


class BrokerUnavailable(TransientError):
    """No broker of the bootstrap list answers."""

    reason = "broker-unavailable"

    def __init__(self, *, brokers: str, problem: str) -> None:
        super().__init__(brokers, problem)
        self.brokers = brokers
        self.problem = problem

    def __str__(self) -> str:
        return f"no answer from {self.brokers}: {self.problem}"


class DestinationUnavailable(TransientError):
    """A topic that a copy must go to does not exist, or this worker may not write to it."""

    reason = "destination-unavailable"

    def __init__(self, *, topic: str, problem: str, route: str = "", origin: str = "") -> None:
        super().__init__(topic, problem, route, origin)
        self.topic = topic
        self.problem = problem
        self.route = route
        """`file:line` of a binding that leads there, where one does."""
        self.origin = origin
        """topic/partition/offset of the record that needs it."""

    def __str__(self) -> str:
        route = f", bound at {self.route}" if self.route else ""
        origin = f", needed by record {self.origin}" if self.origin else ""
        return f"topic '{self.topic}' {self.problem}{route}{origin}"


class DeliveryFailed(TransientError):
    """The broker did not take a batch of copies. Nothing of its lane is committed past it."""

    reason = "delivery-failed"

    def __init__(self, *, topic: str, partition: int, problem: str) -> None:
        super().__init__(topic, partition, problem)
        self.topic = topic
        self.partition = partition
        self.problem = problem

    def __str__(self) -> str:
        return f"a batch for {self.topic}/{self.partition} was not taken: {self.problem}"


class DeliveryRefused(DeliveryFailed):
    """The broker refuses a batch for something in it: sent again it would be refused again."""

    reason = "delivery-refused"

    def __init__(
        self, *, topic: str, partition: int, problem: str, records: int, size: int, last_offset: int, too_large: bool
    ) -> None:
        super().__init__(topic=topic, partition=partition, problem=problem)
        self.records = records
        """How many copies the batch held: of one we know that it is at fault."""
        self.size = size
        """Bytes of the batch."""
        self.last_offset = last_offset
        """The source offset up to which it held copies; that of its only copy where it held one."""
        self.too_large = too_large


class CommitFailed(TransientError):
    """The consumer group did not take a lane's offset, as when the partition has just moved to another worker."""

    reason = "commit-failed"

    def __init__(self, *, topic: str, partition: int, problem: str) -> None:
        super().__init__(topic, partition, problem)
        self.topic = topic
        self.partition = partition
        self.problem = problem

    def __str__(self) -> str:
        return f"the offset of {self.topic}/{self.partition} was not committed: {self.problem}"


class Fenced(TransientError):
    """Another producer has opened the transactional id of this lane's partition: what was under way is aborted.

    So it is for a worker that was away while its partition got another owner; and for one whose transaction was open for
    longer than its timeout. Whether the partition is still the lane's own, only the group knows.
    """

    reason = "fenced"

    def __init__(self, *, topic: str, partition: int) -> None:
        super().__init__(topic, partition)
        self.topic = topic
        self.partition = partition

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition} has another owner now, or its transaction was open for too long"


class TransactionsForbidden(TransientError):
    """The brokers do not let this worker use a transactional id."""

    reason = "transactions-forbidden"

    def __init__(self, *, transactional_id: str) -> None:
        super().__init__(transactional_id)
        self.transactional_id = transactional_id

    def __str__(self) -> str:
        return (
            f"this worker may not use the transactional id '{self.transactional_id}': allow it Write and Describe on the "
            "transactional ids that begin with its group's name, or set ROUTER_GUARANTEE=at_least_once"
        )


class Gap(TransientError):
    """A batch does not begin where its lane stands: something in between was lost on the way, and is read again."""

    reason = "gap"

    def __init__(self, *, topic: str, partition: int, follows: int, position: int) -> None:
        super().__init__(topic, partition, follows, position)
        self.topic = topic
        self.partition = partition
        self.follows = follows
        self.position = position

    def __str__(self) -> str:
        return f"a batch of {self.topic}/{self.partition} follows offset {self.follows}, the lane stands at {self.position}"


class OffsetOutOfRange(TransientError):
    """The group's offset is outside the log: retention has eaten unread records, or the topic was created anew.

    Where to go on is a decision about lost records: the lane stands still, unless ROUTER_OFFSET_LOST has decided before.
    """

    reason = "offset-out-of-range"

    def __init__(self, *, topic: str, partition: int, committed: int, earliest: int, latest: int) -> None:
        super().__init__(topic, partition, committed, earliest, latest)
        self.topic = topic
        self.partition = partition
        self.committed = committed
        self.earliest = earliest
        self.latest = latest

    @property
    def lost(self) -> range:
        """The offsets that nobody can copy any more; empty where the log is another one, of whose former records nothing is known."""
        return range(self.committed, max(self.committed, self.earliest))

    @property
    def loss(self) -> str:
        """What happened, in words."""
        what = f"{self.topic}/{self.partition} holds offsets {self.earliest} to {self.latest}, the group stands at {self.committed}"
        if self.lost:
            return f"{what}: the {len(self.lost)} between were deleted before they were copied"
        return f"{what}, beyond the end: the topic was deleted and created anew, or a broker lost the log's end"

    def __str__(self) -> str:
        return (
            f"{self.loss}; to go on, set the group's offset (kafka-consumer-groups --reset-offsets), or start the workers with "
            "ROUTER_OFFSET_LOST=earliest"
        )


class InvariantError(RouterError):
    """The router found itself in a state that its own rules exclude. The worker stops rather than guess."""

    reason = "invariant"


class UnreadableState(InvariantError):
    """What a table keeps of a key cannot be read: damaged, or written by a later version of the router."""

    reason = "unreadable-state"

    def __init__(self, *, what: str, position: int, problem: str) -> None:
        super().__init__(what, position, problem)
        self.what = what
        """Which kind of entry it should be."""
        self.position = position
        """The byte at which reading failed."""
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.what} in the table cannot be read at byte {self.position}: {self.problem}"
