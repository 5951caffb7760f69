"""Refusals: a status, a short code for programs and a sentence for people."""

from typing import Any

from ..core.errors import Busy, GanvasError, NotFound, NotInstalled, Unreadable, Unwritable

__all__ = ["Refused", "body", "of"]

STATUSES: dict[type, int] = {NotInstalled: 422, NotFound: 404, Busy: 409, Unreadable: 422, Unwritable: 507}
CODES = {
    400: "bad-request",
    401: "no-cookie",
    403: "forbidden",
    404: "not-found",
    405: "method",
    408: "slow",
    409: "conflict",
    410: "gone",
    411: "length",
    412: "changed",
    413: "too-large",
    415: "media-type",
    416: "range",
    421: "host",
    422: "does-not-fit",
    500: "defect",
    503: "busy",
    507: "no-room",
}


class Refused(Exception):
    """A request that is answered with a status from 400 on."""

    def __init__(self, status: int, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.status, self.field = status, field

    @property
    def headers(self) -> dict[str, str]:
        """Extra headers of the response."""
        return {"Retry-After": "1"} if self.status == 503 else {}


def body(status: int, message: str, field: str | None = None) -> dict[str, Any]:
    """The JSON of a refusal."""
    return {"error": {"code": CODES.get(status, "error"), "message": message, "field": field}}


def of(error: GanvasError) -> Refused:
    """An error of the toolkit as a refusal; NotFound becomes 422, since the URL itself was found."""
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 422)
    return Refused(422 if status == 404 else status, str(error))
