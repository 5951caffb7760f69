"""How long the studio takes to answer, while it is idle and while a training runs.

    python -m benchmarks.studio [--rounds 20] [--training] [--at-once 50]

Starts a studio in a temporary folder and sends requests as its page does: six connections, pictures that it has not
drawn before. Prints medians and interquartile ranges in milliseconds, and the time of a fixed loop on this machine at
that moment, in wall-clock and CPU time, to tell a busy machine from a slow studio. With `--at-once`, so many requests
of all kinds arrive at the same moment, ten times, each on its own connection: the only permitted responses are an
answer or "busy".
"""

import argparse
import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles

import httpx

BUDGET = {"draw": 20.0, "16 pictures": 300.0, "16 free ones": 300.0, "preview": 40.0, "state": 20.0}
CONNECTIONS = 6
CROWDS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--training", action="store_true", help="with a training under way")
    parser.add_argument("--at-once", type=int, default=0, help="instead: so many requests in the same moment")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        process, client = started(Path(folder))
        try:
            if given.training:
                ask = {"source": "digits", "name": "beside", "images": 10_000_000, "settings": []}
                client.post("/api/runs", json=ask).raise_for_status()
                wait(lambda: client.get("/api/runs/beside").json()["state"] == "training")
            if given.at_once:
                crowd(client, given.at_once)
            else:
                measure(client, given.rounds)
            if given.training:
                client.post("/api/runs/beside/stop").raise_for_status()
                wait(lambda: client.get("/api/runs/beside").json()["state"] == "ended early")
        finally:
            process.terminate()
            process.wait()


def started(folder: Path) -> tuple["subprocess.Popen[bytes]", httpx.Client]:
    log = folder / "log"
    with log.open("wb") as out:
        words = ["studio", str(folder / "workspace"), "--port", "8950", "--no-open"]
        process = subprocess.Popen([sys.executable, "-m", "ganvas", *words], stdout=out, stderr=out)
    wait(lambda: "token=" in log.read_text())
    address, token = re.search(r"(http://\S+)/\?token=(\S+)", log.read_text()).groups()  # type: ignore[union-attr]
    headers = {"Authorization": f"Bearer {token}"}
    client = httpx.Client(base_url=address, headers=headers, timeout=60, trust_env=False)
    wait(lambda: client.get("/api/state").json()["ready"])
    return process, client


def measure(client: httpx.Client, rounds: int) -> None:
    """Time each kind of request so many times, each round with new words or seeds."""
    found: dict[str, list[float]] = {name: [] for name in (*BUDGET, "loop")}
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for turn in range(-1, rounds):
            drawn, whole = sixteen(client, pool, turn, {})
            _, free = sixteen(client, pool, turn, {"variety": 1})
            text = json.dumps({"seed": turn + 1, "variety": 0.25, "words": "red heart"}, separators=(",", ":"))
            key = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
            more = {"model": "icons", "place": key, "stream": "bench"}
            _, preview = timed(lambda more=more: client.get("/api/preview", params=more).raise_for_status())  # type: ignore[misc]
            _, state = timed(lambda: client.get("/api/state").raise_for_status())
            _, loop = timed(lambda: sum(number * number for number in range(200_000)))
            if turn >= 0:  # the first round is slower
                for name, value in zip(found, (drawn, whole, free, preview, state, loop), strict=True):
                    found[name].append(value)
    began = time.process_time()
    sum(number * number for number in range(200_000))
    spent = 1000 * (time.process_time() - began)
    load = os.getloadavg()[0]
    print(f"{rounds} rounds, {os.cpu_count()} cores, load {load:.1f}; milliseconds; the loop takes {spent:.1f} of them")
    for name, values in found.items():
        low, _, high = quantiles(values, n=4)
        budget = f", budget {BUDGET[name]:g}" if name in BUDGET else ""
        print(f"{name:12} {median(values):7.1f} ({low:.1f} to {high:.1f}){budget}")


def crowd(client: httpx.Client, count: int) -> None:
    """Send everything at once; print how many requests were answered, how many refused as busy, and how long it took.

    Raises:
        SystemExit: there was any other response.
    """
    found: dict[str, list[tuple[int, float]]] = {}
    fp = client.get("/api/models/icons").json()["fp"]
    limits = httpx.Limits(max_connections=count, max_keepalive_connections=count)
    with (
        httpx.Client(
            base_url=client.base_url, headers=client.headers, limits=limits, timeout=60, trust_env=False
        ) as many,
        ThreadPoolExecutor(count) as pool,
    ):
        for turn in range(CROWDS):
            numbers = range(count * turn, count * (turn + 1))
            for name, status, milliseconds in pool.map(lambda number: one_of_many(many, fp, number), numbers):
                found.setdefault(name, []).append((status, milliseconds))
    print(
        f"{CROWDS} times {count} requests at once, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; milliseconds"
    )
    for name, answers in found.items():
        statuses = Counter(status for status, _ in answers)
        low, middle, high = quantiles([milliseconds for _, milliseconds in answers], n=4)
        told = ", ".join(f"{number} times {status}" for status, number in sorted(statuses.items()))
        print(f"{name:12} {middle:7.1f} ({low:.1f} to {high:.1f}): {told}")
    others = {status for answers in found.values() for status, _ in answers} - {200, 204, 503}
    if others:
        raise SystemExit(f"answers that should not be: {sorted(others)}")


def one_of_many(client: httpx.Client, fp: str, number: int) -> tuple[str, int, float]:
    """Send a request of the next kind; returns its name, its status, and milliseconds."""
    place = {"seed": number, "words": "blue fish"}
    text = json.dumps(place, separators=(",", ":"), sort_keys=True)
    key = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    more = {"model": "icons", "place": key, "stream": f"crowd{number}"}
    kinds: dict[str, Callable[[], httpx.Response]] = {
        "draw": lambda: client.post("/api/draw", json={"model": "icons", "places": [place], "stream": str(number)}),
        "preview": lambda: client.get("/api/preview", params=more),
        "picture": lambda: client.get(f"/i/{fp}/{key}.png"),
        "state": lambda: client.get("/api/state"),
        "runs": lambda: client.get("/api/runs"),
    }
    name = list(kinds)[number % len(kinds)]
    answer, milliseconds = timed(kinds[name])
    assert isinstance(answer, httpx.Response)
    return name, answer.status_code, milliseconds


def sixteen(client: httpx.Client, pool: ThreadPoolExecutor, turn: int, more: dict[str, float]) -> tuple[float, float]:
    """Milliseconds until 16 pictures of words are announced, and until all have arrived."""
    places = [{"seed": 1000 * (turn + 1) + seed, "words": "blue fish", **more} for seed in range(16)]
    body = {"model": "icons", "places": places, "stream": "bench"}
    began = time.perf_counter()
    answer, drawn = timed(lambda: client.post("/api/draw", json=body).raise_for_status().json())
    list(pool.map(lambda each: client.get(each["url"]).raise_for_status(), answer["pictures"]))  # type: ignore[index]
    return drawn, 1000 * (time.perf_counter() - began)


def timed(work: Callable[[], object]) -> tuple[object, float]:
    began = time.perf_counter()
    made = work()
    return made, 1000 * (time.perf_counter() - began)


def wait(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not true():
        if time.monotonic() > end:
            raise SystemExit("the studio did not come")
        time.sleep(0.1)


if __name__ == "__main__":
    main()
