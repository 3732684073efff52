"""`router demo`: the example shop on a real Kafka, from one command; what `make run` calls."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

__all__ = ["demo"]

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command()
@click.option(
    "--orders",
    type=click.IntRange(0),
    help="How many orders the shop gets (each makes about 11 records). Without it, it runs until Ctrl-C.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0),
    default=200,
    show_default=True,
    help="Records a second that are fed; 0 is as fast as it can.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed is another story.")
@click.option("--partitions", type=click.IntRange(1), default=4, show_default=True, help="Of each broad topic.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="How many workers to start.")
@click.option("--procfile", type=Path, default=Path("Procfile"), show_default=True, help="Which processes to start.")
@click.option(
    "--state",
    type=_FOLDER,
    default=Path("var"),
    show_default=True,
    help="Where it keeps its Kafka (in demo/, emptied first) and its logs (in log/).",
)
def demo(
    *,
    orders: int | None,
    rate: float,
    seed: int,
    partitions: int,
    workers: int,
    procfile: Path,
    state: Path,
) -> None:
    """Run the example shop: a real Kafka, the router's workers, and a feed, until Ctrl-C.

    It shows what goes in and what each narrow topic gets. At the end it reads every topic back and compares it with
    books kept while feeding; it exits with 0 when nothing is missing and nothing too many. With ROUTER_BROKER set it
    uses that Kafka instead of starting one.
    """
    from rich.console import Console  # noqa: PLC0415  # with the rest below

    from router.develop.demo import DemoOptions, run_demo  # noqa: PLC0415  # needs the `develop` extra
    from router.develop.errors import DevelopmentError  # noqa: PLC0415  # as above
    from router.errors import ConfigError  # noqa: PLC0415  # with the rest

    options = DemoOptions(
        orders=orders,
        rate=rate,
        seed=seed,
        partitions=partitions,
        workers=workers,
        state=state,
        procfile=procfile,
        routes=Path(os.environ.get("ROUTER_ROUTES") or "routes"),
        schemas=Path(os.environ.get("ROUTER_SCHEMAS") or "schemas"),
    )
    try:
        code = run_demo(options, environ=os.environ, console=Console())
    except KeyboardInterrupt:
        click.echo("Ended at once.", err=True)
        code = 130
    except (ConfigError, DevelopmentError) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(code)
