"""images/s of our loop and of plain ones on one card, what share of the card's rate that is, and where it waits."""

import itertools
import statistics
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from . import loops
from .ledger import Ledger
from .loops import Work

WARM = 6  # steps in which cuDNN searches for its fastest algorithms
TURNS = 3  # after the first one
TURN = 0.25  # seconds of a side's turn
COMPILING = 40  # seconds that must be left to start it
PROFILED = 3  # steps
MOST = 0.3  # share of the remaining time for one kind of work; the last ones get more
WARNING = "called a synchronizing CUDA operation"
WAITS = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize")
LAUNCHES = ("cudaLaunchKernel", "cudaLaunchKernelExC", "cuLaunchKernel", "cuLaunchKernelEx")

CARD = [
    Work("dcgan", 64, 64),
    Work("wgan_gp", 128, 64),
    Work("r3gan", 32, 128, width=128),
    Work("dcgan", 64, 256),
    Work("r3gan", 32, 128, width=256),
    Work("r3gan", 32, 128, width=64),
]
SMALL = [Work("dcgan", 64, 4), Work("wgan_gp", 32, 2), Work("r3gan", 16, 4, width=32)]


class Side:
    """One loop, and the seconds per step in its turns."""

    def __init__(self, name: str, loop: Iterator[None], device: torch.device) -> None:
        self.name, self.loop, self.device = name, loop, device
        self.tuned = name != "plain"  # tutorials leave cuDNN's setting as it is
        self.seconds: list[float] = []
        self.count, self.flops, self.peak = 1, 0, 0.0

    def run(self, steps: int) -> float:
        """Seconds for so many steps, with the card idle before and after."""
        torch.backends.cudnn.benchmark = self.tuned
        wait(self.device)
        began = time.perf_counter()
        next(islice(self.loop, steps - 1, None))
        wait(self.device)
        return time.perf_counter() - began

    def warm(self) -> None:
        """Start, note the memory used, and find how many steps make a turn."""
        cuda = self.device.type == "cuda"
        before = torch.cuda.memory_allocated() if cuda else 0
        if cuda:
            torch.cuda.reset_peak_memory_stats()
        self.run(WARM if cuda else 1)
        self.count = max(1, round(TURN / self.run(1)))
        self.peak = (torch.cuda.max_memory_allocated() - before) / 2**20 if cuda else 0.0
        self.turn()

    def turn(self) -> None:
        """Take a turn."""
        self.seconds.append(self.run(self.count) / self.count)


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def measure(ledger: Ledger, device: torch.device) -> None:
    ceiling: list[float] = []
    ledger.measure("ceiling", lambda: ceiling.append(_ceiling(ledger, device)), 0.1)
    works = CARD if device.type == "cuda" else SMALL
    for place, work in enumerate(works):
        share = max(MOST, 1 / (len(works) - place + 1))
        ledger.measure(str(work), partial(_case, ledger, work, device, ceiling), share)
    if device.type == "cuda" and ledger.left > COMPILING:
        ledger.measure("compiled", partial(_compiled, ledger, works[3], device))


def _ceiling(ledger: Ledger, device: torch.device) -> float:
    """FLOP/s of a large bfloat16 product; also records that of float32, and bytes/s of a copy, read and written."""
    side = 8192 if device.type == "cuda" else 512
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    big = torch.empty(2**28 if device.type == "cuda" else 2**22, device=device)
    other = torch.empty_like(big)
    a32, b32, found = a.float(), b.float(), {}
    for name, work, amount in (
        ("product", lambda: a @ b, 2 * side**3),
        ("product float32", lambda: a32 @ b32, 2 * side**3),
        ("copy", lambda: other.copy_(big), 8 * big.numel()),
    ):
        taken = []
        for _ in range(5 if name == "product float32" else 12):
            wait(device)
            began = time.perf_counter()
            work()
            wait(device)
            taken.append(time.perf_counter() - began)
        found[name] = amount / statistics.median(taken[2:])
    ledger.row(
        "ceiling",
        bf16_TFLOPs=found["product"] / 1e12,
        float32_TFLOPs=found["product float32"] / 1e12,
        copy_GBs=found["copy"] / 1e9,
    )
    return found["product"]


def _case(ledger: Ledger, work: Work, device: torch.device, ceiling: list[float]) -> None:
    """Start the sides one by one, so that results are reported even if one fails or the time is up."""
    starts: dict[str, Callable[[], Iterator[None]]] = {
        "as it comes": partial(loops.ours, work, device),
        "plain": partial(loops.plain, work, device),
        "float32": partial(loops.ours, work, device, float32=True),
        "graph": partial(loops.graph, work, device),
    }
    sides: dict[str, Side] = {}
    try:
        _take_turns(ledger, work, device, starts, sides)
    finally:
        _tell(ledger, work, sides, ceiling)
    for name in ("as it comes", "plain"):
        if name in sides:
            ledger.row(f"{work}: {name}, inside", **_inside(sides[name]))
    for side in sides.values():
        side.loop.close()


def _take_turns(
    ledger: Ledger,
    work: Work,
    device: torch.device,
    starts: dict[str, Callable[[], Iterator[None]]],
    sides: dict[str, Side],
) -> None:
    for name, start in starts.items():
        try:
            side = Side(name, start(), device)
            side.warm()
            sides[name] = side
            if name != "graph":
                side.flops = _flops(side)
        except Exception as error:
            ledger.row(f"{work}: {name}", failed=f"{type(error).__name__}: {str(error)[:300]}")
    if "graph" in sides and "as it comes" in sides:
        sides["graph"].flops = sides["as it comes"].flops
    for _ in range(TURNS):
        for side in sides.values():
            side.turn()


def _tell(ledger: Ledger, work: Work, sides: dict[str, Side], ceiling: list[float]) -> None:
    """Write a row for each side; its turns are compared with the neighbouring ones of the plain loop."""
    peer = sides.get("plain")
    for name, side in sides.items():
        best = statistics.median(side.seconds)
        told: dict[str, Any] = {"images_s": work.batch / best, "ms": 1000 * best}
        told |= {"turns_ms": [1000 * each for each in side.seconds], "peak_MiB": side.peak}
        if peer and peer is not side:
            told["times_plain"] = statistics.geometric_mean(
                theirs / own for own, theirs in zip(side.seconds, peer.seconds, strict=False)
            )
        if ceiling and side.flops:
            told |= {"of_ceiling": side.flops / best / ceiling[0], "GFLOP_step": side.flops / 1e9}
        ledger.row(f"{work}: {name}", **told)


class Operations(TorchDispatchMode):
    """Counts the floating-point operations of products and convolutions, including those of second derivatives.

    torch's own counter also tracks modules, which fails when a gradient is differentiated.
    """

    total = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function._overloadpacket not in flop_registry:
            with self:
                found = function.decompose(*args, **(kwargs or {}))
            return function(*args, **(kwargs or {})) if found is NotImplemented else found
        found = function(*args, **(kwargs or {}))
        self.total += flop_registry[function._overloadpacket](*args, **(kwargs or {}), out_val=found)
        return found


def _flops(side: Side) -> int:
    """Floating-point operations of one step, all passes included."""
    with Operations() as counter:
        next(side.loop)
    return counter.total


def _inside(side: Side) -> dict[str, Any]:
    """What the profiler sees of a step: kernels, their time as a share of an unprofiled step, and waits of the host."""
    cuda = side.device.type == "cuda"
    torch.backends.cudnn.benchmark = side.tuned
    wait(side.device)
    with profile(activities=[ProfilerActivity.CPU, *[ProfilerActivity.CUDA] * cuda]) as seen:
        next(islice(side.loop, PROFILED - 1, None))
    wait(side.device)
    events = seen.events()
    counts = Counter(event.name for event in events)
    spans = sorted(
        (event.time_range.start, event.time_range.end)
        for event in events
        if _on_card(event) and event.time_range.end > event.time_range.start
    )
    busy = _covered(spans) / 1e6 / PROFILED
    told: dict[str, Any] = {
        "launches": sum(counts[name] for name in LAUNCHES) / PROFILED,
        "kernels_and_copies": len(spans) / PROFILED,
        "waits": sum(counts[name] for name in WAITS) / PROFILED,
        "items": counts["aten::_local_scalar_dense"] / PROFILED,
        "pageable_copies": sum(many for name, many in counts.items() if "Pageable" in name) / PROFILED,
        "busy_ms": 1000 * busy,
        "busy": busy / statistics.median(side.seconds),
    }
    if cuda:
        told["waits_at"] = waits(side.loop)
        told["longest"] = _longest(events)
    return told


def _on_card(event: Any) -> bool:
    """Whether it is a kernel or a copy; a named region, such as an optimizer's step, lasts longer than its kernels."""
    return event.device_type == DeviceType.CUDA and not event.is_user_annotation and "Optimizer." not in event.name


def _longest(events: Any) -> list[str]:
    """The kernels that take the most time, with their milliseconds per step."""
    taken: Counter[str] = Counter()
    for event in events:
        if _on_card(event):
            taken[event.name[:70]] += event.time_range.elapsed_us() / 1000 / PROFILED
    return [f"{name}: {spent:.2f} ms;" for name, spent in taken.most_common(8)]


def _covered(spans: list[tuple[float, float]]) -> float:
    """The length of the union of these spans, sorted by their start."""
    total, reached = 0.0, float("-inf")
    for start, end in spans:
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


def waits(loop: Iterator[Any]) -> dict[str, int]:
    """Lines at which the host waits for the card in the next step, from torch's own warnings -> how often."""
    with warnings.catch_warnings(record=True) as caught, _telling_waits():
        warnings.simplefilter("always")
        next(loop)
    return dict(Counter(f"{Path(each.filename).name}:{each.lineno}" for each in caught if WARNING in str(each.message)))


@contextmanager
def _telling_waits() -> Iterator[None]:
    torch.cuda.set_sync_debug_mode("warn")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def _compiled(ledger: Ledger, work: Work, device: torch.device) -> None:
    """Measure networks under torch.compile, which works only if nothing is differentiated twice."""
    side = Side("compiled", loops.ours(work, device, compiled=True), device)
    began = time.perf_counter()
    side.warm()
    compiling = time.perf_counter() - began
    for _ in itertools.repeat(None, 4):
        side.turn()
    seconds = statistics.median(side.seconds)
    ledger.row(f"{work}: compiled", images_s=work.batch / seconds, ms=1000 * seconds, seconds_to_compile=compiling)
