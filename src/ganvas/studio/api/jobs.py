"""Jobs, and the files that they make."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse, JSONResponse, Response

from ..shapes import Job, JobAsk
from .common import Parts, parts, refusals

__all__ = ["router"]

router = APIRouter()
Studio = Annotated[Parts, Depends(parts)]


@router.get("/api/jobs", responses=refusals())
def jobs(studio: Studio) -> list[Job]:
    """All jobs that are remembered."""
    return [Job(**about) for about in studio.jobs.all()]


@router.post("/api/jobs", status_code=201, responses=refusals(400, 404, 409, 415, 422, 503, 507))
def start(studio: Studio, ask: JobAsk) -> Job:
    """Start a job."""
    return Job(**studio.jobs.start(ask.model_dump(exclude_none=True)))


@router.get("/api/jobs/{name}", responses=refusals(404))
def one(studio: Studio, name: str) -> Job:
    """One job."""
    return Job(**studio.jobs.about(name))


@router.delete("/api/jobs/{name}", response_model=Job, responses=refusals(404) | {202: {"model": Job}})
def cancel(studio: Studio, name: str) -> Response:
    """Stop a job and discard its results."""
    stopping = studio.jobs.cancel(name)
    return JSONResponse(Job(**studio.jobs.about(name)).model_dump(), status_code=202 if stopping else 200)


@router.get("/files/{job}/{name}", response_class=Response, responses=refusals(400, 404, 416) | {206: {}})
def file(studio: Studio, job: str, name: str) -> Response:
    """Download a file that a job made."""
    path = studio.jobs.file(job, name)
    media = "application/json" if path.suffix == ".json" else None
    return FileResponse(path, filename=path.name, media_type=media, headers={"Cache-Control": "private, no-cache"})
