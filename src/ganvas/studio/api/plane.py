"""The playgrounds of Learn."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from ..refused import Refused
from ..shapes import PlaneAsk, PlaneChange, PlaneStart
from .common import Parts, parts, refusals

__all__ = ["router"]

router = APIRouter()
Studio = Annotated[Parts, Depends(parts)]
REFUSALS = refusals(400, 404, 409, 415, 422, 503)


def _known_loss(loss: str | None) -> None:
    from ...core import catalog

    if loss is not None and loss not in catalog.names("loss"):
        raise Refused(422, f"There is no loss {loss!r}; there are: {', '.join(catalog.names('loss'))}.", field="loss")


@router.post("/api/plane", status_code=201, responses=REFUSALS)
async def start(studio: Studio, ask: PlaneAsk) -> PlaneStart:
    """Start a playground; it waits for play or step."""
    _known_loss(ask.loss)
    return PlaneStart(**await studio.playgrounds.start(ask.model_dump(exclude_none=True)))


async def _do(studio: Parts, name: str, asked: dict[str, Any]) -> dict[str, Any]:
    await studio.playgrounds.do(name, asked)
    return {}


@router.post("/api/plane/{name}/play", responses=REFUSALS)
async def play(studio: Studio, name: str) -> dict[str, Any]:
    """Train continuously."""
    return await _do(studio, name, {"do": "play"})


@router.post("/api/plane/{name}/pause", responses=REFUSALS)
async def pause(studio: Studio, name: str) -> dict[str, Any]:
    """Pause training."""
    return await _do(studio, name, {"do": "pause"})


@router.post("/api/plane/{name}/step", responses=REFUSALS)
async def step(studio: Studio, name: str) -> dict[str, Any]:
    """Train one step: the critic's turn, then the generator's."""
    return await _do(studio, name, {"do": "step"})


@router.post("/api/plane/{name}/set", responses=REFUSALS)
async def change(studio: Studio, name: str, ask: PlaneChange) -> dict[str, Any]:
    """Continue with other settings."""
    _known_loss(ask.loss)
    return await _do(studio, name, {"do": "set", **ask.model_dump(exclude_none=True)})


@router.delete("/api/plane/{name}", status_code=204, responses=REFUSALS)
async def end(studio: Studio, name: str) -> None:
    """End the playground."""
    studio.playgrounds.end(name)
