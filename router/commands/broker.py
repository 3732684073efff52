"""`router broker`: a Kafka to develop on, in the foreground."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from router.develop.broker import DevelopmentKafka
    from router.develop.interrupts import Interrupts

__all__ = ["broker"]

DATA = Path("var/kafka")
_OWN = "cluster-of-router-broker"


@click.command()
@click.option("--brokers", type=click.IntRange(1, 9), default=1, show_default=True, help="How many brokers to start.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_000),
    default=9092,
    show_default=True,
    help="Where the first broker listens; the others take the ports after it. 0 takes any that are free.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=DATA,
    show_default=True,
    help="The folder that keeps topics and records between starts.",
)
@click.option("--fresh", is_flag=True, help="Delete what the folder keeps and begin anew.")
def broker(*, brokers: int, port: int, data: Path, fresh: bool) -> None:
    """Run a real Apache Kafka to develop on, until Ctrl-C.

    It needs neither Docker nor Java: the first start fetches Kafka's jars (60 MB) from Maven Central and keeps them. It
    listens on 127.0.0.1 only. For development: nothing here is secured or tuned.
    """
    from router.develop.broker import DevelopmentKafka  # noqa: PLC0415  # needs the `develop` extra
    from router.develop.errors import DevelopmentError  # noqa: PLC0415  # as above
    from router.develop.interrupts import Interrupts  # noqa: PLC0415  # as above

    try:
        if fresh:
            _delete(data)
        _mark(data)
        # Whoever ends this command, by Ctrl-C or by SIGTERM, ends the brokers in good order. An exception could be lost, where the
        # signal comes in the midst of what Python calls by itself.
        with Interrupts() as interrupts, DevelopmentKafka.start(directory=data, brokers=brokers, port=port) as kafka:
            interrupts.polite()
            _announce(kafka, data)
            _watch(kafka, interrupts)
    except KeyboardInterrupt:
        pass
    except DevelopmentError as error:
        raise click.ClickException(str(error)) from error
    click.echo("\nKafka has ended. Its topics and records are kept; --fresh deletes them.", err=True)


def _announce(kafka: DevelopmentKafka, data: Path) -> None:
    count = len(kafka.nodes)
    click.echo(f"Apache Kafka is up at {kafka.bootstrap} ({count} broker{'s' if count > 1 else ''}, data in {data}/)")
    click.echo(f"To use it from another terminal:  export ROUTER_BROKER={kafka.bootstrap}")
    if os.environ.get("ROUTER_BROKER"):
        click.echo(f"Mind that ROUTER_BROKER is set here, to {os.environ['ROUTER_BROKER']}.", err=True)
    click.echo("Ctrl-C ends it.")


def _watch(kafka: DevelopmentKafka, interrupts: Interrupts) -> None:
    while not interrupts.asked:
        time.sleep(0.2)
        ended = kafka.ended()
        if ended is not None:
            raise ended.failure(f"broker {ended.number} has ended by itself")


def _mark(data: Path) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True)
        if not any(data.iterdir()):
            (data / _OWN).touch()
    except OSError as error:
        raise click.ClickException(
            f"The folder '{data}' cannot be used: {error.strerror}. Choose another --data."
        ) from error


def _delete(data: Path) -> None:
    # A folder that this command did not fill may be anybody's: --data is typed quickly.
    if not data.is_dir() or not any(data.iterdir()):
        return
    if not (data / _OWN).exists():
        raise click.ClickException(
            f"'{data}' has files that are not Kafka's: delete it yourself, or choose another --data."
        )
    shutil.rmtree(data)
