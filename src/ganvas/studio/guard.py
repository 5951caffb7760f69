"""Access control, before any route is reached. Localhost is not private: every page in the browser can reach it.

The Host header must be ours (against DNS rebinding); so must be the origin of a request that changes something (against
forged requests); the cookie or the token must be valid; bodies must have the right type, be small enough and not too
slow.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from json import dumps
from typing import Any
from urllib.parse import parse_qs

from .refused import Refused, body

__all__ = ["Door", "Guard"]

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_JSON = 2**20
SLOW_SECONDS = 30.0  # without receiving a byte
DRAINED, DRAIN_SECONDS = 64 * 2**20, 2.0  # limits for reading the body of a refused request
SAFE = {"GET", "HEAD"}
RAW = ("/files/", "/api/uploads/")  # paths under which bodies are files

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}
WELCOME = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/">
<title>Ganvas Studio</title></head><body><p><a href="/">Ganvas Studio</a></p></body></html>"""
LOCKED = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Ganvas Studio</title></head><body>
<h1>This studio is locked</h1><p>Open it with the address that <code>ganvas studio</code> printed when it was started,
the one that ends in <code>?token=…</code>. It lets this browser in for good.</p></body></html>"""


@dataclass(frozen=True)
class Door:
    """What identifies this server: host names, port, the token of the first URL, and the value of the cookie."""

    hosts: frozenset[str]
    port: int
    token: str
    cookie: str

    @property
    def cookie_name(self) -> str:
        """The port is in the name, since all ports of a host share cookies."""
        return f"ganvas-{self.port}"

    @property
    def names(self) -> frozenset[str]:
        """The accepted values of Host."""
        return frozenset(f"{host}:{self.port}" for host in self.hosts) | (
            self.hosts if self.port == 80 else frozenset()
        )


class Guard:
    """The application with access control."""

    def __init__(self, app: App, door: Door) -> None:
        self.app, self.door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        body = _Body(receive)
        answer = _with_headers(send, body)
        try:
            self._look(scope, headers)
            if scope["path"] == "/" and b"token=" in scope["query_string"]:
                await self._welcome(scope, answer)
                return
            self._know(scope, headers)
            limit = self._kind(scope, headers)
            await self.app(scope, _paced(body) if limit is None else await _whole(body, limit), answer)
        except Refused as refused:
            await _refuse(scope, refused, answer)

    def _look(self, scope: Scope, headers: dict[str, str]) -> None:
        """Check the host and the requesting site.

        Raises:
            Refused: 421 or 403.
        """
        hosts = [value for name, value in scope["headers"] if name.lower() == b"host"]
        if len(hosts) != 1 or headers.get("host", "").lower() not in self.door.names:
            raise Refused(421, "This studio is not called by that name.")
        path, site = scope["path"], headers.get("sec-fetch-site", "none")
        if site not in {"same-origin", "none"} and not (path == "/" and scope["method"] in SAFE):
            raise Refused(403, "Another site asked for this, and may not.")

    def _know(self, scope: Scope, headers: dict[str, str]) -> None:
        """Check the token or the cookie, and the origin of changes.

        Raises:
            Refused: 401 or 403.
        """
        kind, _, word = headers.get("authorization", "").partition(" ")
        bearer = kind.lower() == "bearer" and _same(word.strip(), self.door.token)
        cookies = [part.strip().partition("=") for part in headers.get("cookie", "").split(";")]
        if not bearer and not any(
            name == self.door.cookie_name and _same(value, self.door.cookie) for name, _, value in cookies
        ):
            raise Refused(401, "Open the studio with the address that `ganvas studio` printed when it was started.")
        origin = headers.get("origin", "")
        if (
            scope["method"] not in SAFE
            and not bearer
            and origin.lower() not in {f"http://{n}" for n in self.door.names}
        ):
            raise Refused(403, "Only the studio's own page may change something.")

    def _kind(self, scope: Scope, headers: dict[str, str]) -> int | None:
        """The largest allowed size of the body; None for files, which the routes limit themselves.

        Raises:
            Refused: 400, 413 or 415.
        """
        if scope["method"] in SAFE or (scope["method"] == "PUT" and any(raw in scope["path"] for raw in RAW)):
            return None if scope["method"] not in SAFE else MOST_JSON
        text = headers.get("content-length", "")
        if text and not (text.isascii() and text.isdecimal()):
            raise Refused(400, "Content-Length is no number.")
        if int(text or 0) > MOST_JSON:
            raise Refused(413, f"This is longer than {MOST_JSON:,} bytes.")
        has_body = int(text or 0) > 0 or "transfer-encoding" in headers
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        if has_body and media != "application/json":
            raise Refused(415, "Send application/json.")
        return MOST_JSON

    async def _welcome(self, scope: Scope, send: Send) -> None:
        """Give a browser that has the token its cookie.

        By a refresh instead of a redirect: after a link on another page, a Strict cookie is not sent along a redirect.
        """
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["method"] not in SAFE or not _same(given, self.door.token):
            raise Refused(401, "This is not the token of this studio.")
        cookie = f"{self.door.cookie_name}={self.door.cookie}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000"
        await _send(send, 200, "text/html; charset=utf-8", WELCOME.encode(), {"set-cookie": cookie}, scope)


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(given.encode(errors="replace"), known.encode())


class _Body:
    """Wraps receive and records whether more of the body is to come."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self.more = receive, True

    async def __call__(self) -> Message:
        message = await self._receive()
        self.more = self.more and message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def drain(self) -> None:
        """Read some of an unwanted body: a browser does not read the response while it sends, nor after a reset."""
        got = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while self.more and got < DRAINED:
                    got += len((await self()).get("body", b""))


async def _whole(receive: Receive, limit: int) -> Receive:
    """Receive the whole body before anything else is done.

    Raises:
        Refused: 408 it does not arrive; 413 it is longer than `limit` bytes.
    """
    paced, parts = _paced(receive), list[bytes]()
    while True:
        message = await paced()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        if sum(map(len, parts)) > limit:
            raise Refused(413, f"This is longer than {limit:,} bytes.")
        if not message.get("more_body", False):
            break
    first: list[Message] = [{"type": "http.request", "body": b"".join(parts), "more_body": False}]

    async def replayed() -> Message:
        return first.pop() if first else await receive()

    return replayed


def _paced(receive: Receive) -> Receive:
    """Limit the waiting time for the next part of a body."""
    done = False

    async def next_part() -> Message:
        nonlocal done
        if done:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), SLOW_SECONDS)
        except TimeoutError:
            raise Refused(408, f"Nothing came for {SLOW_SECONDS:.0f} s.") from None
        done = not message.get("more_body", False)
        return message

    return next_part


def _with_headers(send: Send, body: _Body) -> Send:
    async def answer(message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] >= 400:
                await body.drain()
            given = {name.lower() for name, _ in message.get("headers", [])}
            more = {**HEADERS, "cache-control": "no-store"}
            extra = [(n.encode(), v.encode()) for n, v in more.items() if n.encode() not in given]
            message = {**message, "headers": [*message.get("headers", []), *extra]}
        await send(message)

    return answer


async def _refuse(scope: Scope, refused: Refused, send: Send) -> None:
    page = refused.status == 401 and not scope["path"].startswith("/api/")
    content = LOCKED.encode() if page else dumps(body(refused.status, str(refused), refused.field)).encode()
    kind = "text/html; charset=utf-8" if page else "application/json"
    await _send(send, refused.status, kind, content, {"connection": "close", **refused.headers}, scope)


async def _send(send: Send, status: int, kind: str, content: bytes, more: dict[str, str], scope: Scope) -> None:
    headers = {"content-type": kind, "content-length": str(len(content)), **more}
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})
