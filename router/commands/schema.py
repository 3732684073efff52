"""`router schema`: the JSON Schema of route files, for editors."""

from __future__ import annotations

import json

import click

from router.language.editor_schema import cases_schema, routes_schema

__all__ = ["schema"]


@click.command()
@click.option("--cases", is_flag=True, help="The schema of files of cases (*_test.yaml) instead.")
def schema(*, cases: bool) -> None:
    """Print the JSON Schema of route files. It is made from the shapes that `router check` parses with.

    An editor that speaks YAML completes and checks by it:

    \b
      $ router schema > routes.schema.json
      # and as the first line of routes/<team>.yaml:
      # yaml-language-server: $schema=../routes.schema.json
    """
    click.echo(json.dumps(cases_schema() if cases else routes_schema(), indent=2, ensure_ascii=False))
