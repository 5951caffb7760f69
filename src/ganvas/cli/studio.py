"""The command that opens the studio."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ..core.errors import NotInstalled
from .options import say

__all__ = ["studio"]


def studio(
    folder: Annotated[Path, typer.Argument(help="The workspace: runs, data and what you keep are in it.")] = Path(),
    port: Annotated[int, typer.Option(help="Where it is; if it is in use, the next of ten.")] = 8765,
    host: Annotated[str, typer.Option(help="Where to listen; any other address lets others in.")] = "127.0.0.1",
    data: Annotated[
        list[Path] | None, typer.Option(help="A folder of pictures that may be read where it is; may be repeated.")
    ] = None,
    no_open: Annotated[bool, typer.Option("--no-open", help="Do not open the browser.")] = False,
    threads: Annotated[
        int | None, typer.Option(help="Pictures drawn side by side, at most; as many as cores.", show_default=False)
    ] = None,
    trainings: Annotated[int, typer.Option(help="Trainings at once; others wait.")] = 1,
) -> None:
    """Open the studio: a page on which you draw from words, train on your pictures, watch, and take the result away."""
    try:
        from ..studio.serve import serve
    except ModuleNotFoundError as error:
        if error.name not in {"fastapi", "starlette", "pydantic", "uvicorn"}:
            raise
        raise NotInstalled("The studio takes more packages: pip install 'ganvas[studio]'.") from None

    def tell(text: str) -> None:
        say(text)
        sys.stdout.flush()  # the address is wanted at once, also where it goes into a file

    opened = not no_open
    serve(folder, port=port, host=host, roots=data or (), opened=opened, threads=threads, trainings=trainings, say=tell)
