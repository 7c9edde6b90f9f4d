"""``samsegment cache`` and its commands' options."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import JsonOption  # noqa: TC001 - typer looks at annotations while it runs

cache_app = typer.Typer(rich_markup_mode=None, help="The embeddings of slices that are kept on disk.")


@cache_app.callback(invoke_without_command=True)
def _cache(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        from .cache_command import run_cache_show

        run_cache_show(as_json=False)


@cache_app.command("show")
def cache_show(json: JsonOption = False) -> None:
    """Show where the cache lies, what is in it, and how large it may become."""
    from .cache_command import run_cache_show

    run_cache_show(as_json=json)


@cache_app.command("clear")
def cache_clear(
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only embeddings of this model. [default: all]")
    ] = None,
) -> None:
    """Remove embeddings from disk."""
    from .cache_command import run_cache_clear

    run_cache_clear(model)
