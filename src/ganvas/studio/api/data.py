"""Sets of pictures: create, upload to, read and show them."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from ..refused import Refused
from ..shapes import Create, Set, SetPicture, Uploaded
from ..uploads import Upload, for_jobs, shown
from .common import FOREVER, Parts, parts, refusals

__all__ = ["router"]

router = APIRouter()
Studio = Annotated[Parts, Depends(parts)]
BLOCK = 2**20
RAW = {"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}


@router.get("/api/data", responses=refusals())
def sets(studio: Studio) -> list[Set]:
    """All sets."""
    return [Set(**about) for about in studio.sets.all()]


@router.get("/api/data/{name}", responses=refusals(404))
def one(studio: Studio, name: str) -> Set:
    """One set."""
    return Set(**studio.sets.about(name))


@router.post("/api/data", status_code=201, responses=refusals(400, 404, 409, 415, 422, 507))
def create(studio: Studio, ask: Create) -> Set:
    """Create an empty set, or one that reads a folder where it is."""
    return Set(**studio.sets.create(ask.name, ask.folder))


@router.delete("/api/data/{name}", status_code=204, responses=refusals(404, 409))
def discard(studio: Studio, name: str) -> None:
    """Move an uploaded set to the trash."""
    if studio.runs.uses(studio.sets.about(name)["source"]) or studio.runs.uses(name):
        raise Refused(409, "A training learns from it.")
    studio.sets.discard(name)


@router.post("/api/data/{name}/restore", responses=refusals(400, 404, 409, 415, 422))
def restore(studio: Studio, name: str) -> Set:
    """Bring a set back from the trash."""
    return Set(**studio.sets.restore(name))


@router.get("/api/data/{name}/pictures", responses=refusals(404, 422))
def pictures(
    studio: Studio,
    name: str,
    start: Annotated[int | None, Query(alias="from", ge=0)] = None,
    count: Annotated[int, Query(ge=1, le=500)] = 70,
    size: Annotated[int, Query(ge=8, le=1024)] = 64,
) -> list[SetPicture]:
    """Some of its pictures: a range from one on, or an even selection."""
    return [SetPicture(**each) for each in studio.sets.pictures(name, start=start, count=count, size=size)]


@router.get("/data/{name}/{place}.png", response_class=Response, responses=refusals(404, 422))
def picture(
    studio: Studio,
    name: str,
    place: Annotated[str, Path(pattern=r"^[0-9a-f]+$", max_length=4000)],
    h: Annotated[str, Query(max_length=40)] = "",
    size: Annotated[int | None, Query(ge=8, le=1024)] = None,
) -> Response:
    """One picture, decoded and encoded anew; with a size, as a model will see it."""
    content = studio.sets.picture(name, place, size)
    return Response(content, media_type="image/png", headers={"Cache-Control": FOREVER if h else "no-cache"})


@router.put("/api/data/{name}/files/{path:path}", status_code=201, responses=refusals(400, 404, 409, 415, 422, 507),
            openapi_extra=RAW)  # fmt: skip
async def upload(request: Request, studio: Studio, name: str, path: str) -> Uploaded:
    """Upload a file of a set, as raw bytes."""
    length = _length(request)
    coming = await run_in_threadpool(studio.sets.opened, name, path, length)
    return Uploaded(bytes=await _receive(request, coming, length))


@router.put("/api/uploads/{name}", status_code=201, responses=refusals(400, 404, 409, 415, 422, 507), openapi_extra=RAW)
async def upload_for_jobs(request: Request, studio: Studio, name: str) -> Uploaded:
    """Upload a file for jobs, as raw bytes."""
    length = _length(request)
    return Uploaded(bytes=await _receive(request, for_jobs(studio.workspace, name, length), length))


@router.get("/api/uploads/{name}", response_class=Response, responses=refusals(404))
def uploaded(studio: Studio, name: str) -> Response:
    """A picture that was uploaded for jobs, decoded and encoded anew."""
    return Response(shown(studio.workspace, name), media_type="image/png", headers={"Cache-Control": "no-cache"})


def _length(request: Request) -> int | None:
    text = request.headers.get("content-length")
    if text is not None and not (text.isascii() and text.isdecimal()):
        raise Refused(400, "Content-Length is no number.")
    return None if text is None else int(text)


async def _receive(request: Request, coming: Upload, length: int | None) -> int:
    """Receive a body, writing blocks in another thread so that drawing is not held up."""
    with coming:
        held = bytearray()
        async for part in request.stream():
            held += part
            if len(held) >= BLOCK:
                await run_in_threadpool(coming.write, bytes(held))
                held.clear()
        coming.write(bytes(held))
        if length is not None and coming.bytes != length:
            raise Refused(400, "The file ended before its time.")
        return coming.bytes
