"""What routes share: the studio's parts, the declaration of refusals, and cacheable responses."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from ..data import Sets
from ..events import Hub
from ..gallery import Gallery
from ..jobs import Jobs
from ..kept import Board
from ..models import Models
from ..playgrounds import Playgrounds
from ..runs import Runs
from ..shapes import Failure
from ..worker import Worker
from ..workspace import Workspace

__all__ = ["FOREVER", "Parts", "parts", "png", "refusals"]

FOREVER = "private, max-age=31536000, immutable"


@dataclass(frozen=True)
class Parts:
    """The parts of one studio."""

    workspace: Workspace
    worker: Worker
    models: Models
    gallery: Gallery
    board: Board
    sets: Sets
    runs: Runs
    jobs: Jobs
    playgrounds: Playgrounds
    hub: Hub


def parts(request: Request) -> Parts:
    """The studio that handles a request."""
    found: Parts = request.app.state.parts
    return found


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI responses for a route's refusals, including the guard's."""
    return {status: {"model": Failure} for status in sorted({*statuses, 401, 403, 408, 413, 421})}


def png(request: Request, content: bytes, *, etag: str, cache: str = FOREVER, name: str = "") -> Response:
    """A picture, or 304 if the browser has it."""
    headers = {"ETag": f'"{etag}"', "Cache-Control": cache}
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    if f'"{etag}"' in known:
        return Response(status_code=304, headers=headers)
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(content, media_type="image/png", headers=headers)
