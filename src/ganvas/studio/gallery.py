"""Pictures by their places: drawn in batches of 16 when one of them is requested, and cached as PNG.

A picture depends only on (model, place), bit for bit, and not on the others in its batch. So requested pictures are
drawn together with those that will be requested next.
"""

import asyncio
import base64
import binascii
import io
import re
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PIL import Image

from ..core.errors import DoesNotFit, GanvasError
from .models import Loaded, Models
from .refused import Refused, of
from .worker import DRAW, PREVIEW, Worker
from .workspace import Workspace

if TYPE_CHECKING:
    from torch import Tensor

    from ..models.made import Made
    from ..models.place import Place

__all__ = ["Gallery", "key_of", "place_of"]

CHUNK, MOST_WAITING, MOST_EXPECTED = 16, 1024, 8192
CACHE_BYTES = 64 * 2**20
HASH = re.compile(r"[0-9a-f]{32}")
Key = tuple[str, str]  # the fingerprint and the place in a picture's URL


def key_of(place: "Place") -> str:
    """The place as part of a URL."""
    return base64.urlsafe_b64encode(place.as_json().encode()).decode().rstrip("=")


def place_of(key: str) -> "Place":
    """The place of a key, which may be any spelling of it.

    Raises:
        Refused: 404, it is not a place.
    """
    from ..models.place import Place

    try:
        text = base64.b64decode(key + "=" * (-len(key) % 4), altchars=b"-_", validate=True).decode()
        place = Place.read(text)
    except (DoesNotFit, binascii.Error, ValueError):
        raise Refused(404, "There is no such picture: its name is no place.") from None
    if place.latent is not None and not HASH.fullmatch(place.latent):
        raise Refused(404, "There is no such picture: its latent is named by no hash.")  # but by a path to any file
    return place


def _png(image: Image.Image, made: "Made | None" = None, *, level: int = 6) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=level, **(made.for_png() if made else {}))
    return out.getvalue()


@dataclass
class _Wanted:
    place: "Place"
    stream: str
    asked: int = 0
    drawing: bool = False
    future: "Future[bytes]" = field(default_factory=Future)


class Gallery:
    """Draws requested pictures. Code that uses torch runs in the worker's thread, everything else in the server's."""

    def __init__(self, workspace: Workspace, models: Models, worker: Worker) -> None:
        self.folder = workspace.studio("places")
        self.models, self.worker = models, worker
        self._lock = threading.Lock()
        self._wanted: OrderedDict[Key, _Wanted] = OrderedDict()
        self._made: OrderedDict[Key, bytes] = OrderedDict()
        self._bytes = 0
        self._previews: dict[str, int] = {}

    def check(self, name: str, places: Sequence["Place"]) -> tuple[list[str], list[list[str]]]:
        """Check a request: returns the words that the model has not learned, and those that each seed adds.

        It runs in torch's thread, and updates the description of the model.

        Raises:
            Refused: 422, the model makes no pictures, or does not accept these words.
        """
        from ..core.batch import Kind
        from ..latent.draw import added

        try:
            self.models.describe(name)
            loaded = self.models.loaded(name)
            if loaded.model.kind is not Kind.PICTURES:
                raise DoesNotFit("This model makes no pictures, so none can be drawn.")
            unknown: dict[str, None] = {}
            for words in dict.fromkeys(place.words for place in places if place.words):
                loaded.model.described(words)
                unknown |= dict.fromkeys(loaded.model.unknown(words))
            for variety in {place.variety for place in places}:
                loaded.model.varied(variety)
            for direction in {move for place in places for move in place.moves}:
                if loaded.found is None:
                    raise DoesNotFit("The directions of this model are not known yet: find them first.")
                loaded.found.place(direction)
            return list(unknown), [added(loaded.model, place) for place in places]
        except GanvasError as error:
            raise of(error) from None

    def expect(self, fp: str, places: Sequence["Place"], stream: str) -> None:
        """Announce pictures that will be requested; drops this stream's earlier ones that are not being drawn yet."""
        keys = [(fp, key_of(place)) for place in places]
        with self._lock:
            for key, wanted in list(self._wanted.items()):
                if stream and wanted.stream == stream and not wanted.drawing and key not in keys:
                    del self._wanted[key]
                    if wanted.asked:
                        wanted.future.set_exception(Refused(503, "Something else is drawn now."))
            for key, place in zip(keys, places, strict=True):
                if key not in self._made and key not in self._wanted:
                    self._wanted[key] = _Wanted(place, stream)
            idle = [key for key, wanted in self._wanted.items() if not wanted.asked and not wanted.drawing]
            for key in idle[: max(0, len(self._wanted) - MOST_EXPECTED)]:
                del self._wanted[key]

    async def png(self, fp: str, place: "Place", gone: Callable[[], Awaitable[bool]]) -> bytes:
        """The picture; `gone` tells whether the client has disconnected.

        Raises:
            Refused: 410, its model or latent no longer exists; 503, too many requests wait, or the client has
                disconnected.
        """
        key = (fp, key_of(place))
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
        self.models.named(fp)
        with self._lock:
            wanted = self._wanted.get(key)
            if wanted is None:
                if sum(each.asked > 0 for each in self._wanted.values()) >= MOST_WAITING:
                    raise Refused(503, "One moment: many pictures are being drawn.")
                wanted = self._wanted[key] = _Wanted(place, "")
            wanted.asked += 1
            first = wanted.asked == 1 and not wanted.drawing
        if first:
            self.worker.submit(DRAW, self._draw)
        coming = asyncio.wrap_future(wanted.future)
        try:
            while not (await asyncio.wait({coming}, timeout=0.5))[0]:
                if await gone():
                    raise Refused(503, "Whoever asked has left.")
            return coming.result()
        finally:
            with self._lock:
                wanted.asked -= 1
                if not wanted.asked and not wanted.drawing and self._wanted.get(key) is wanted:
                    del self._wanted[key]

    def _draw(self) -> None:
        """Draw the batch of the first requested picture."""
        with self._lock:
            waiting = [key for key, wanted in self._wanted.items() if wanted.asked and not wanted.drawing]
            if not waiting:
                return
            fp, streams = waiting[0][0], {self._wanted[key].stream for key in waiting if self._wanted[key].stream}
            coming = [key for key, each in self._wanted.items() if not each.asked and each.stream in streams]
            alike = [key for key in waiting + coming if key[0] == fp and not self._wanted[key].drawing][:CHUNK]
            chunk = {key: self._wanted[key] for key in alike}
            for wanted in chunk.values():
                wanted.drawing = True
            left = len([key for key in waiting if key not in chunk])
        try:
            loaded = self.models.loaded(self.models.named(fp))
            gone = Refused(410, "The model of this picture has been trained on since.")
            places = [wanted.place for wanted in chunk.values()]
            same = loaded.fp == fp
            made: list[bytes | Exception] = self._drawn(loaded, places) if same else [gone] * len(chunk)
        except GanvasError as error:
            made = [of(error)] * len(chunk)
        except Refused as refused:
            made = [refused] * len(chunk)
        except Exception as error:  # the clients get the error, and the worker continues
            made = [error] * len(chunk)
        self._answer(chunk, made)
        if left:
            self.worker.submit(DRAW, self._draw)

    def _answer(self, chunk: dict[Key, _Wanted], made: Sequence[bytes | Exception]) -> None:
        with self._lock:
            for key, picture in zip(chunk, made, strict=True):
                self._wanted.pop(key, None)
                if isinstance(picture, bytes):
                    self._made[key] = picture
                    self._bytes += len(picture)
            while self._bytes > CACHE_BYTES:
                self._bytes -= len(self._made.popitem(last=False)[1])
        for wanted, picture in zip(chunk.values(), made, strict=True):
            if isinstance(picture, bytes):
                wanted.future.set_result(picture)
            else:
                wanted.future.set_exception(picture)

    async def larger(self, fp: str, place: "Place", scale: int) -> bytes:
        """The picture enlarged, as `ganvas sample --scale` draws it.

        Raises:
            Refused: 410, its model or latent no longer exists.
        """

        def work() -> bytes | Exception:
            loaded = self.models.loaded(self.models.named(fp))
            if loaded.fp != fp:
                raise Refused(410, "The model of this picture has been trained on since.")
            return self._drawn(loaded, [place], scale)[0]

        made = await asyncio.wrap_future(self.worker.submit(DRAW, work))
        if isinstance(made, Exception):
            raise made
        return made

    def _drawn(self, loaded: Loaded, places: Sequence["Place"], scale: int | None = None) -> list[bytes | Exception]:
        """The pictures of these places; if one cannot be drawn, the others still are."""
        from ..latent.draw import draw
        from ..models.made import Layout, Made

        model, large = loaded.model, loaded.model.doubles and (scale or 1) > 1
        try:
            made = draw(model, places, found=loaded.found, folder=self.folder, large=large)
        except GanvasError:
            if len(places) == 1:
                return [Refused(410, "The place of this picture is no longer here, or is another model's.")]
            return [self._drawn(loaded, [place], scale)[0] for place in places]
        layout, name = Layout(separate=True, scale=scale), self.models.words_of(loaded.name)
        return [
            _png(image, Made(name, loaded.digest, (place,), layout))
            for image, place in zip(_images(made, model.shape, scale or 1), places, strict=True)
        ]

    def draw_now(self, name: str, place: "Place") -> bytes:
        """Draw one picture, in torch's thread.

        Raises:
            Refused: 410, it cannot be drawn.
        """
        (made,) = self._drawn(self.models.loaded(name), [place])
        if isinstance(made, Exception):
            raise made
        return made

    async def preview(self, name: str, place: "Place", stream: str) -> bytes | None:
        """Draw one picture without a batch; None if a newer one of the stream was requested meanwhile."""
        turn = self._previews[stream] = self._previews.get(stream, 0) + 1
        if len(self._previews) > 1000:
            self._previews = {stream: turn}

        def work() -> bytes | None:
            from ..latent.draw import given

            if self._previews.get(stream, turn) != turn:
                return None
            try:
                loaded = self.models.loaded(name)
                z, told = given(loaded.model, place, found=loaded.found, folder=self.folder)
                made = loaded.model.truncated(place.truncation).preview(z, told)
            except GanvasError as error:
                raise of(error) from None
            return _png(_images(made, loaded.model.shape)[0], level=1)

        return await asyncio.wrap_future(self.worker.submit(PREVIEW, work))


def _images(made: "Tensor", shape: Sequence[int], scale: int = 1) -> list[Image.Image]:
    from ..core import pixels
    from ..models.sheets import at_scale

    if made.dim() != 4:
        raise Refused(422, "This model makes no pictures.")
    return [pixels.to_image(picture) for picture in at_scale(made, shape, scale)]
