"""The command that opens the studio."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import NotInstalled
from .options import say

__all__ = ["studio"]


def studio(
    folder: Annotated[
        Path, typer.Argument(help="Workspace folder for runs, data and everything you keep; created if missing.")
    ] = Path(),
    port: Annotated[
        int, typer.Option(help="Port to serve on; if it is in use, the next free one of ten is taken.")
    ] = 8765,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; an address other than this machine's own loopback lets others in."),
    ] = "127.0.0.1",
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of pictures outside the workspace that may be read in place; can be repeated."),
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
    threads: Annotated[
        int | None,
        typer.Option(
            help="Maximum number of pictures to draw in parallel; by default one per core.", show_default=False
        ),
    ] = None,
    trainings: Annotated[int, typer.Option(help="Maximum number of trainings to run at once; others wait.")] = 1,
) -> None:
    """Open the studio: a web page to draw from words, train on your own pictures, watch, and download the result."""
    try:
        from ..studio.serve import serve
    except ModuleNotFoundError as error:
        if error.name not in {"fastapi", "starlette", "pydantic", "uvicorn"}:
            raise
        raise NotInstalled("The studio takes more packages: pip install 'ganvas[studio]'.") from None

    def tell(text: str) -> None:
        say(text)
        sys.stdout.flush()  # so that the address appears at once, even if the output goes to a file

    opened = not no_open
    serve(folder, port=port, host=host, roots=data or (), opened=opened, threads=threads, trainings=trainings, say=tell)
