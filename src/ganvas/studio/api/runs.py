"""Trainings: plan, start, pause, resume and watch them."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import JSONResponse, Response

from ...core.errors import GanvasError
from ..children import command_of
from ..refused import Refused, of
from ..shapes import Longer, Plan, Planned, Run, Train
from ..worker import DRAW
from .common import FOREVER, Parts, parts, png, refusals

__all__ = ["router"]

router = APIRouter()
Studio = Annotated[Parts, Depends(parts)]
PATHS = {"data", "folder", "points", "clips", "shards", "parquet"}  # parts and settings that name files
SHAPED = {"data.channels", "data.background", "data.fit", "data.bits", "data.across"}  # not where, but how to read them
TILES, ACROSS = "textures", 6  # the recipe for seamless tiles, and how many pieces lie side by side
PIECES = f"data.across={ACROSS}"


@router.post("/api/plan", responses=refusals(400, 404, 409, 415, 422, 503))
async def plan(studio: Studio, ask: Plan) -> Planned:
    """The recipe that would be trained, and warnings; nothing starts."""
    argv = _words(studio, ask)
    recipe, warnings = await _planned(studio, ask)
    return Planned(recipe=recipe, command=command_of(argv), warnings=warnings)


@router.post("/api/runs", status_code=201, responses=refusals(400, 404, 409, 415, 422, 503, 507))
async def start(studio: Studio, ask: Train) -> Run:
    """Start a training, or queue it behind others."""
    argv = _words(studio, ask)
    await _planned(studio, ask)
    argv += ["--minutes", f"{ask.minutes:g}"] if ask.minutes is not None else ["--images", str(ask.images)]
    argv += ["--seed", str(ask.seed)] if ask.seed else []
    argv += ["--device", ask.device] if ask.device else []
    argv += ["--auto"] if ask.auto else []
    return Run(**await asyncio.to_thread(studio.runs.start, ask.name, argv, {"source": ask.source}))


def _words(studio: Parts, ask: Plan) -> list[str]:
    """The arguments of the training command, without its length and output."""
    source = _source(studio, ask.source)
    argv = ["train", *((TILES, "--data", source, "--set", PIECES) if ask.tiles else (source,))]
    argv += ["--from", _model(studio, ask.from_)] if ask.from_ else []
    argv += ["--size", str(ask.size)] if ask.size else []
    for setting in ask.settings:
        name = setting.partition("=")[0].strip()
        if name.split(".")[0] in PATHS and name not in SHAPED:
            raise Refused(422, "A setting cannot say where pictures come from; choose a source.", field="settings")
        if re.search(r"[/\\~]|\.\.", setting):
            raise Refused(422, "A setting cannot name files or folders.", field="settings")
        argv += ["--set", setting]
    return argv


def _source(studio: Parts, text: str) -> str:
    """A set by its name, or a source of the catalogue, such as icons:flags.

    Raises:
        Refused: 422, it is neither.
    """
    from ...core import catalog

    if any(each["name"] == text for each in studio.sets.all()):
        about = studio.sets.about(text)
        if about["state"] in {"uploading", "reading"}:
            raise Refused(409, "This set has not been read yet.", field="source")
        return studio.sets.source(text)
    if text.startswith("data/") and any(each["source"] == text for each in studio.sets.all()):
        return text
    name, _, setting = text.partition(":")
    if name in catalog.names("data") and name not in PATHS and re.fullmatch(r"[\w-]*", setting, re.ASCII):
        return text
    raise Refused(422, f"There is no set {text!r}, and no source of that name.", field="source")


def _model(studio: Parts, name: str) -> str:
    if name not in studio.models.paths():
        raise Refused(422, f"There is no model {name!r} to start from.", field="from")
    return studio.models.words_of(name)


async def _planned(studio: Parts, ask: Plan) -> tuple[dict[str, Any], list[str]]:
    """The recipe, and warnings about it."""
    source = _source(studio, ask.source)
    place = str(studio.workspace.root / source) if source.startswith("data/") else source
    base = None if ask.from_ is None else studio.models.paths().get(ask.from_)
    about = next((each for each in studio.sets.all() if each["source"] == source), None)

    def work() -> tuple[dict[str, Any], list[str]]:
        from ...recipes.plan import plan as planned
        from ...recipes.settings import to_json
        from ...training.start_from import adapted

        try:
            like = adapted(base) if base else None
            if ask.tiles:
                recipe = planned(TILES, data=place, size=ask.size, settings=[PIECES, *ask.settings])
            else:
                recipe = planned(place, size=ask.size, settings=ask.settings, like=like)
        except GanvasError as error:
            raise of(error) from None
        return to_json(recipe), _warnings(about, getattr(recipe.data, "size", None), base, tiles=ask.tiles)

    return await asyncio.wrap_future(studio.worker.submit(DRAW, work))


def _warnings(about: dict[str, Any] | None, size: Any, base: FilePath | None, *, tiles: bool) -> list[str]:
    """Problems to expect from the data."""
    from ...data.dataset import FEW

    if about is None:
        return []

    def smaller(side: int) -> int:
        return sum(each["count"] for each in about["sizes"] if min(each["width"], each["height"]) < side)

    if tiles:
        need = ACROSS * size
        few = f"{smaller(need):,} pictures are smaller than {need} × {need}, so fewer pieces are cut from them."
        return [few] if smaller(need) else []
    found = []
    count = about["count"]
    if count < FEW:
        found.append(f"There are only {count} pictures. A GAN memorises so few; collect at least a few hundred.")
    elif count < 300 and base is None:
        found.append(f"There are only {count} pictures: expect variations of them, or start from a model.")
    if isinstance(size, int) and (small := smaller(size)):
        found.append(f"{small:,} pictures are smaller than {size} × {size} and will be enlarged.")
    return found


@router.get("/api/runs", responses=refusals())
def runs(studio: Studio) -> list[Run]:
    """All runs, the newest first."""
    return [Run(**about) for about in studio.runs.all()]


@router.get("/api/runs/{name}", responses=refusals(404))
def one(studio: Studio, name: str) -> Run:
    """One run."""
    return Run(**studio.runs.about(name))


@router.delete("/api/runs/{name}", status_code=204, responses=refusals(404, 409))
def discard(studio: Studio, name: str) -> None:
    """Move a run to the trash."""
    studio.runs.discard(name)


@router.post("/api/runs/{name}/restore", responses=refusals(400, 404, 409, 415, 422))
def restore(studio: Studio, name: str) -> Run:
    """Bring a run back from the trash."""
    return Run(**studio.runs.restore(name))


TURNED = refusals(400, 404, 409, 415, 422) | {202: {"model": Run}}


def _answer(about: dict[str, Any], turning: bool) -> Response:
    return JSONResponse(Run(**about).model_dump(), status_code=202 if turning else 200)


@router.post("/api/runs/{name}/pause", response_model=Run, responses=TURNED)
def pause(studio: Studio, name: str) -> Response:
    """Pause a training: it saves and its process ends."""
    return _answer(*studio.runs.pause(name, ended=False))


@router.post("/api/runs/{name}/stop", response_model=Run, responses=TURNED)
def stop(studio: Studio, name: str) -> Response:
    """Stop a training early: it saves, ends, and is not meant to continue."""
    return _answer(*studio.runs.pause(name, ended=True))


@router.post("/api/runs/{name}/go-on", response_model=Run, responses=TURNED)
def go_on(studio: Studio, name: str) -> Response:
    """Resume a training where it stopped, bit for bit."""
    return _answer(*studio.runs.go_on(name))


@router.post("/api/runs/{name}/longer", response_model=Run, responses=TURNED)
def longer(studio: Studio, name: str, ask: Longer) -> Response:
    """Train a run for longer."""
    return _answer(*studio.runs.go_on(name, length=_more(studio, name, ask)))


def _more(studio: Parts, name: str, ask: Longer) -> Sequence[str]:
    """The command's options for the requested length, which is added to what the run has seen.

    Minutes are converted to images by the run's average speed so far; a run without any speed gets them as --minutes.
    """
    folder = studio.runs.folder(name)
    if ask.images is not None:
        return ["--images", str(folder.images + ask.images)]
    last = folder.rows[-1] if folder.rows else {}
    seconds, images = float(last.get("seconds", 0)), int(last.get("images", 0))
    if not seconds or not folder.images:
        return ["--minutes", f"{ask.minutes:g}"]
    return ["--images", str(round(folder.images + images * 60 * (ask.minutes or 0) / seconds))]


@router.get("/api/runs/{name}/log", responses=refusals(404, 422))
def log(studio: Studio, name: str, after: Annotated[int, Query(ge=-1, le=2**53)] = -1) -> list[dict[str, Any]]:
    """The rows of its log after a number of images."""
    studio.runs.about(name)
    try:
        return studio.runs.folder(name).log(after)
    except Refused:
        return []  # it is queued and has no folder yet


@router.get("/runs/{name}/sheets/{images}.png", response_class=Response, responses=refusals(404, 422) | {304: {}})
def sheet(
    request: Request,
    studio: Studio,
    name: str,
    images: Annotated[int, Path(ge=0, le=2**53)],
    h: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """A sheet of samples, as stored."""
    folder = studio.runs.folder(name)
    path = studio.workspace.inside(folder.path, "samples", f"{images:09}.png")
    found = folder.hash_of(images)
    return png(request, path.read_bytes(), etag=found, cache=FOREVER if h and h == found else "no-cache")
