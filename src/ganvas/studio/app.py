"""The application: its parts, its routes, responses to errors, and the page."""

import asyncio
import hashlib
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from ..core.errors import GanvasError
from ..core.version import __version__
from .api import data, draw, jobs, live, plane, runs
from .api.common import FOREVER, Parts
from .data import Sets
from .events import Hub
from .gallery import Gallery
from .guard import Door, Guard
from .jobs import Jobs
from .kept import Board
from .models import Models
from .playgrounds import Playgrounds
from .refused import Refused, body, of
from .runs import Runs
from .worker import LATER, Worker
from .workspace import Workspace

__all__ = ["PAGE", "application"]

LOG = logging.getLogger("ganvas.studio")
PAGE = Path(__file__).parent / "page"
OFTEN, RARELY = 0.5, 5.0  # seconds between checks of the folders, while a tab listens or not
A_DAY = "private, max-age=86400"
VIEWS = re.compile(r"/|/(ideas|kept|data|runs|compare|explore|learn)(/[^/]*)?")
TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".png": "image/png",
}


def application(workspace: Workspace, door: Door, *, threads: int | None = None, trainings: int = 1) -> Guard:
    """The whole studio, behind its guard."""
    workspace.prepare()
    worker, hub, models = Worker(threads=threads), Hub(), Models(workspace)
    gallery, sets = Gallery(workspace, models, worker), Sets(workspace)
    parts = Parts(
        workspace=workspace,
        worker=worker,
        models=models,
        gallery=gallery,
        board=Board(workspace, gallery, worker),
        sets=sets,
        runs=Runs(workspace, at_once=trainings),
        jobs=Jobs(workspace, models, sets.source),
        playgrounds=Playgrounds(hub),
        hub=hub,
    )

    @asynccontextmanager
    async def living(_app: FastAPI) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        worker.start()
        watching = loop.create_task(_watch(parts))
        yield
        watching.cancel()
        hub.close()
        parts.playgrounds.close()
        with suppress(asyncio.CancelledError):
            await watching

    app = FastAPI(title="Ganvas Studio", version=__version__, lifespan=living, docs_url=None, redoc_url=None)
    app.state.parts = parts
    for routes in (live, draw, data, runs, jobs, plane):
        app.include_router(routes.router)
    _answer_refusals(app)
    _serve_page(app)
    return Guard(app, door)


async def _watch(parts: Parts) -> None:
    """Check the folders regularly, and send events about changes."""
    described: list[Any] = []
    known = ""
    while True:
        for part in (parts.runs, parts.sets, parts.jobs):
            try:
                happened = await asyncio.to_thread(part.tick)
            except Exception:  # for example a folder that is being moved; the next check sees it whole
                LOG.warning("a look at the folders failed", exc_info=True)
                continue
            for event, about in happened:
                parts.hub.tell(event, about)
        try:
            parts.playgrounds.sweep()
            described = [future for future in described if not future.done()]
            if not described:
                changed = await asyncio.to_thread(parts.models.changed)
                described = [parts.worker.submit(LATER, partial(parts.models.describe, name)) for name in changed]
            now = repr((parts.models.all(), parts.worker.ready))
            if now != known:
                parts.hub.tell("state", await asyncio.to_thread(live.everything, parts))
                known = now
        except Exception:  # the same for a run
            LOG.warning("a look at the models failed", exc_info=True)
        await asyncio.sleep(OFTEN if parts.hub.heard or described else RARELY if parts.worker.ready else OFTEN)


def _answer_refusals(app: FastAPI) -> None:
    @app.exception_handler(Refused)
    async def refused(_request: Request, error: Refused) -> Response:
        return JSONResponse(body(error.status, str(error), error.field), error.status, headers=error.headers)

    @app.exception_handler(GanvasError)
    async def ours(_request: Request, error: GanvasError) -> Response:
        found = of(error)
        return JSONResponse(body(found.status, str(found)), found.status)

    @app.exception_handler(RequestValidationError)
    async def invalid(_request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return JSONResponse(body(400, "This is no JSON."), 400)
        where = ".".join(str(part) for part in first["loc"][1:])
        message = str(first["msg"]).removeprefix("Value error, ")
        return JSONResponse(body(422, f"{where}: {message}" if where else message, where or None), 422)

    @app.exception_handler(HTTPException)
    async def other(_request: Request, error: HTTPException) -> Response:
        words = {404: "There is nothing here.", 405: "This can be asked for, but not like that."}
        text = words.get(error.status_code, str(error.detail))
        return JSONResponse(body(error.status_code, text), error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    async def defect(_request: Request, error: Exception) -> Response:
        return JSONResponse(body(500, f"A defect of the studio: {type(error).__name__}."), 500)


def _serve_page(app: FastAPI) -> None:
    @app.get("/{path:path}", include_in_schema=False)
    def page(path: str, v: str = "") -> Response:
        """The page at the URL of every view, and its files."""
        found = _files().get(path)
        if found is not None and path != "index.html":
            kind = TYPES.get(found.suffix, "application/octet-stream")
            return FileResponse(found, media_type=kind, headers={"Cache-Control": FOREVER if v else A_DAY})
        if "." in path.rpartition("/")[2] and not VIEWS.fullmatch(f"/{path}"):
            raise HTTPException(404)
        if path.startswith(("api/", "i/", "files/")):
            raise HTTPException(404)
        return HTMLResponse(_page(), headers={"Cache-Control": "no-store"})


@cache
def _files() -> dict[str, Path]:
    return {path.relative_to(PAGE).as_posix(): path for path in PAGE.rglob("*") if path.is_file()}


@cache
def _page() -> str:
    """The page, with the hash of each file appended to its URL."""
    index = _files().get("index.html")
    if index is None:
        return "<!doctype html><title>Ganvas Studio</title><p>The page was not built: run npm in web/."

    def hashed(match: re.Match[str]) -> str:
        path = _files().get(match[2])
        named = path is not None and path.suffix != ".woff2"  # the style sheet names fonts without a hash
        found = hashlib.sha256(path.read_bytes()).hexdigest()[:12] if path and named else ""
        return f'{match[1]}"/{match[2]}{f"?v={found}" if found else ""}"'

    return re.sub(r'((?:href|src)=)"/([^"?]+)"', hashed, index.read_text(encoding="utf-8"))
