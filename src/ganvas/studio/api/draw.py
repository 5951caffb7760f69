"""Models, pictures, places, and kept pictures."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from ...core.errors import GanvasError
from .. import places as from_places
from ..gallery import key_of, place_of
from ..models import Loaded
from ..refused import Refused, of
from ..shapes import Around, Between, Breed, Draw, Drawn, Kept, Model, Places
from ..shapes import Place as PlaceShape
from ..worker import DRAW, LATER, PREVIEW
from .common import Parts, parts, png, refusals

if TYPE_CHECKING:
    from ...models.place import Place

__all__ = ["router"]

router = APIRouter()
Studio = Annotated[Parts, Depends(parts)]
FP, KEY = r"^[0-9a-f]{16}$", r"^[A-Za-z0-9_-]{1,2000}$"


def _place(shape: PlaceShape) -> "Place":
    from ...models.place import Place

    try:
        return Place.of(shape.model_dump(exclude_none=True))
    except GanvasError as error:
        raise of(error) from None


@router.get("/api/models", responses=refusals())
async def models(studio: Studio) -> list[Model]:
    """All trained models."""
    return [Model(**about) for about in studio.models.all()]


@router.get("/api/models/{name}", responses=refusals(404))
async def model(studio: Studio, name: str) -> Model:
    """One model."""
    return Model(**studio.models.about(name))


@router.get("/api/models/{name}/words", responses=refusals(404, 422))
async def words(studio: Studio, name: str, q: Annotated[str, Query(max_length=100)] = "") -> list[str]:
    """Up to 20 words that a model learned: those that begin with q, then those that contain it."""
    studio.models.about(name)

    def work() -> list[str]:
        known = getattr(studio.models.loaded(name).model.condition, "words", ())
        wanted = q.lower()
        found = sorted((word for word in known if wanted in word), key=lambda word: (not word.startswith(wanted), word))
        return found[:20]

    return await asyncio.wrap_future(studio.worker.submit(PREVIEW, work))


@router.post("/api/draw", responses=refusals(400, 404, 415, 422, 503))
async def draw(studio: Studio, ask: Draw) -> Drawn:
    """The URLs of the pictures of these places; pictures are drawn when they are requested."""
    _ready(studio, ask.model)
    places = [_place(shape) for shape in ask.places]
    checked = studio.worker.submit(PREVIEW, lambda: studio.gallery.check(ask.model, places))
    unknown, added = await asyncio.wrap_future(checked)
    fp = studio.models.about(ask.model)["fp"]  # of the model that was checked: training may have continued
    studio.gallery.expect(fp, places, ask.stream)
    pictures = [
        {"url": f"/i/{fp}/{key_of(place)}.png", "place": shape.model_dump(exclude_none=True), "added": more}
        for place, shape, more in zip(places, ask.places, added, strict=True)
    ]
    return Drawn(fp=fp, unknown=unknown, pictures=pictures)  # type: ignore[arg-type]


def _ready(studio: Parts, name: str) -> dict[str, Any]:
    """The description of a model.

    Raises:
        Refused: 404, there is none; 503, the server is starting or has not read this model yet.
    """
    if not studio.worker.ready or (name in studio.models.paths() and not studio.models.knows(name)):
        raise Refused(503, "Getting ready: the model is on its way.")
    return studio.models.about(name)


@router.get("/i/{fp}/{key}.png", response_class=Response, responses=refusals(404, 410, 422, 503) | {304: {}})
async def picture(
    request: Request,
    studio: Studio,
    fp: str,
    key: str,
    scale: Literal["1", "2", "4"] = "1",
    save: Literal["0", "1"] = "0",
) -> Response:
    """The picture of a place, which never changes."""
    place = place_of(key)
    tag = hashlib.sha256(f"{fp} {key_of(place)} {scale}".encode()).hexdigest()
    if f'"{tag}"' in request.headers.get("if-none-match", ""):
        return png(request, b"", etag=tag)
    if scale == "1":
        content = await studio.gallery.png(fp, place, request.is_disconnected)
    else:
        content = await studio.gallery.larger(fp, place, int(scale))
    return png(request, content, etag=tag, name=f"{place.name}.png" if save == "1" else "")


@router.get("/api/preview", response_class=Response, responses=refusals(404, 410, 422, 503) | {204: {}})
async def preview(
    studio: Studio,
    model: Annotated[str, Query(max_length=64)],
    place: Annotated[str, Query(max_length=2000)],
    stream: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """A quick preview; 204 if a newer one of the stream was requested."""
    _ready(studio, model)
    content = await studio.gallery.preview(model, place_of(place), stream)
    if content is None:
        return Response(status_code=204)
    return Response(content, media_type="image/png", headers={"Cache-Control": "no-store"})


async def _made(studio: Parts, name: str, work: Callable[[Loaded], list[dict[str, Any]]]) -> Places:
    _ready(studio, name)

    def run() -> list[dict[str, Any]]:
        try:
            return work(studio.models.loaded(name))
        except GanvasError as error:
            raise of(error) from None

    return Places(places=await asyncio.wrap_future(studio.worker.submit(DRAW, run)))


@router.post("/api/around", responses=refusals(400, 404, 415, 422, 503))
async def around(studio: Studio, ask: Around) -> Places:
    """28 places near one."""
    place, folder = _place(ask.place), studio.gallery.folder
    return await _made(studio, ask.model, lambda m: from_places.around(m, place, folder, k=ask.k, seed=ask.seed))


@router.post("/api/breed", responses=refusals(400, 404, 415, 422, 503))
async def breed(studio: Studio, ask: Breed) -> Places:
    """28 places from two."""
    a, b, folder = _place(ask.a), _place(ask.b), studio.gallery.folder
    return await _made(studio, ask.model, lambda m: from_places.breed(m, a, b, folder, seed=ask.seed))


@router.post("/api/between", responses=refusals(400, 404, 415, 422, 503))
async def between(studio: Studio, ask: Between) -> Places:
    """The frames of a morph as places."""
    stops, folder = [_place(stop) for stop in ask.stops], studio.gallery.folder
    more = {"frames": ask.frames, "loop": ask.loop, "eased": ask.eased}
    return await _made(studio, ask.model, lambda m: from_places.between(m, stops, folder, **more))  # type: ignore[arg-type]


@router.get("/api/kept", responses=refusals())
async def kept(studio: Studio) -> Response:
    """The kept pictures."""
    return JSONResponse(studio.board.kept, headers={"ETag": studio.board.etag})


@router.put("/api/kept", responses=refusals(400, 412, 415, 422))
async def keep(studio: Studio, ask: Kept, if_match: Annotated[str, Header(max_length=100)] = "") -> Response:
    """Replace the kept pictures."""
    wanted = ask.model_dump(exclude_none=True)
    for each in ask.places:
        _place(each.place)
    etag = await run_in_threadpool(studio.board.put, wanted, if_match)
    studio.worker.submit(LATER, lambda: from_places.sweep(studio.gallery.folder, studio.board.places))
    return JSONResponse(studio.board.kept, headers={"ETag": etag})


@router.get("/kept/{name}.png", response_class=Response, responses=refusals(404))
async def copy(studio: Studio, name: str) -> Response:
    """The stored copy of a kept picture."""
    path = studio.workspace.studio("kept", f"{name}.png")
    if name not in {each["id"] for each in studio.board.kept["places"]} or not path.is_file():
        raise Refused(404, "No copy of this picture was kept.")
    return FileResponse(path, media_type="image/png", headers={"Cache-Control": "no-cache"})
