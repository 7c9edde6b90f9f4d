"""``samsegment models`` and its commands' arguments."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import JsonOption  # noqa: TC001 - typer looks at annotations while it runs

ModelName = Annotated[str, typer.Argument(metavar="NAME", help="A model of 'samsegment models list'.")]

models_app = typer.Typer(rich_markup_mode=None, help="The models: list them, download, check and remove their weights.")


@models_app.callback(invoke_without_command=True)
def _models(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        from .models_command import run_models_list

        run_models_list(as_json=False)


@models_app.command("list")
def models_list(json: JsonOption = False) -> None:
    """List the models: size, licence, and whether the weights are here."""
    from .models_command import run_models_list

    run_models_list(as_json=json)


@models_app.command("download")
def models_download(name: ModelName) -> None:
    """Download a model's weights; an interrupted download goes on where it stopped."""
    from .models_command import run_models_download

    run_models_download(name)


@models_app.command("verify")
def models_verify(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One model. [default: all that are here]", show_default=False)
    ] = None,
) -> None:
    """Check that weights are the published files, undamaged."""
    from .models_command import run_models_verify

    run_models_verify(name)


@models_app.command("remove")
def models_remove(name: ModelName) -> None:
    """Delete a model's weights, and what was left of a download."""
    from .models_command import run_models_remove

    run_models_remove(name)
