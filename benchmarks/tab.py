"""A browser tab left open on a training: the memory of the browser and of the studio's server, and whether it grows.

    GANVAS_BROWSER=/usr/bin/chromium python -m benchmarks.tab [--minutes 60]

Starts a studio in a temporary folder, a long training of digits, and a Chromium on its page. Every ten seconds it asks
the browser for the size of its JavaScript heap after a garbage collection, and the system for the server's memory, and
prints the medians of each tenth of the time. Fails if the heap exceeds 150 MB, or if the server's memory in the last
tenth exceeds that of the second by more than 5 %; in the first, models are loaded and the run is read for the first
time.
"""

import argparse
import os
import re
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from playwright.sync_api import sync_playwright

from .studio import started, wait

EVERY, TENTHS = 10.0, 10  # seconds between samples; parts of the time
HEAP, GROWN = 150.0, 1.05  # megabytes at most; the factor by which the server may grow
LOOKS = 30  # samples at least, so that each tenth has some


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as folder:
        process, client = started(Path(folder))
        try:
            ask = {"source": "digits", "name": "beside", "images": 10_000_000, "settings": []}
            client.post("/api/runs", json=ask).raise_for_status()
            wait(lambda: client.get("/api/runs/beside").json()["state"] == "training")
            found = watched(client, process.pid, 60 * minutes)
            images = client.get("/api/runs/beside").json()["images"]
            client.post("/api/runs/beside/stop").raise_for_status()
            wait(lambda: client.get("/api/runs/beside").json()["state"] == "ended early")
        finally:
            process.terminate()
            process.wait()
    sys.exit(told(found, minutes, images))


def watched(client: httpx.Client, pid: int, seconds: float) -> list[tuple[float, float, float]]:
    """(seconds since the page was opened, megabytes of its heap, megabytes of the server) for each sample."""
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("GANVAS_BROWSER", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        context = browser.new_context(extra_http_headers={"Authorization": client.headers["Authorization"]})
        page = context.new_page()
        page.goto(f"{client.base_url}/runs/beside")
        page.wait_for_selector(".wall .cut:not(.wait)", timeout=120_000)
        hand, began = context.new_cdp_session(page), time.monotonic()
        while (now := time.monotonic() - began) < seconds:
            found.append((now, heap(hand), resident(pid)))
            page.wait_for_timeout(1000 * min(EVERY, seconds / LOOKS))
        browser.close()
    return found


def heap(hand: Any) -> float:
    """Megabytes of the page's JavaScript objects that are still in use."""
    hand.send("HeapProfiler.collectGarbage")
    return float(hand.send("Runtime.getHeapUsage")["usedSize"]) / 1e6


def resident(pid: int) -> float:
    """Megabytes of memory that a process occupies."""
    said = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
    assert said is not None
    return int(said[1]) / 1024


def told(found: list[tuple[float, float, float]], minutes: float, images: int) -> str | None:
    """Print the medians; returns what is wrong, if anything."""
    print(f"{minutes:g} minutes, {len(found)} looks, load {os.getloadavg()[0]:.1f}, the training at {images:,} images")
    print("megabytes       heap   server")
    size, parts = max(1, len(found) // TENTHS), []
    for first in range(0, size * TENTHS, size):
        some = found[first : first + size]
        parts.append((median(each[1] for each in some), median(each[2] for each in some)))
        print(f"to {some[-1][0] / 60:5.1f} min  {parts[-1][0]:7.1f} {parts[-1][1]:8.0f}")
    most = max(each[1] for each in found)
    print(f"most        {most:7.1f} {max(each[2] for each in found):8.0f}")
    if most > HEAP:
        return f"the browser's heap exceeded {HEAP:g} MB"
    return "the server's memory grew" if parts[-1][1] > GROWN * parts[1][1] else None


if __name__ == "__main__":
    main()
