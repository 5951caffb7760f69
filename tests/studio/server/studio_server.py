"""A studio in a process and a folder of its own, asked as a script asks it: with the token."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

__all__ = ["Studio", "draw_set", "free_port"]

ROOT = Path(__file__).parents[3]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass
class Studio:
    """The server of a workspace, and what asks it."""

    root: Path
    roots: tuple[Path, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen | None = None
    client: httpx.Client | None = None
    said: str = ""

    def start(self):
        words = ["studio", str(self.root), "--port", str(self.port), "--no-open"]
        words += [word for root in self.roots for word in ("--data", str(root))]
        said = self.root.parent / f"{self.root.name}.log"
        env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        with said.open("wb") as log:
            self.process = subprocess.Popen([sys.executable, "-m", "ganvas", *words], stdout=log, stderr=log, env=env)
        wait(lambda: "token=" in self.log() or self.process.poll() is not None, 60)
        self.said = self.log()
        self.token = re.search(r"token=(\S+)", self.said)[1]
        self.url = re.search(r"(http://\S+)/\?", self.said)[1]
        self.client = httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=60, trust_env=False
        )
        wait(lambda: self.client.get("/api/state").json()["ready"], 120)
        return self

    def log(self):
        return (self.root.parent / f"{self.root.name}.log").read_text(errors="replace")

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        self.process.wait(30)
        self.client.close()

    def get(self, path, status=200, **more):
        answer = self.client.get(path, **more)
        assert answer.status_code == status, (path, answer.status_code, answer.text[:500])
        return answer.json() if answer.headers.get("content-type") == "application/json" else answer.content

    def post(self, path, body=None, status=200):
        answer = self.client.post(path, json=body) if body is not None else self.client.post(path)
        statuses = status if isinstance(status, tuple) else (status,)
        assert answer.status_code in statuses, (path, answer.status_code, answer.text[:500])
        return answer.json()

    def put(self, path, content, status=201, **more):
        answer = self.client.put(path, content=content, **more)
        assert answer.status_code == status, (path, answer.status_code, answer.text[:500])
        return answer.json()

    def until(self, path, true, seconds=120):
        """The answer of a GET as soon as it is as wanted."""
        wait(lambda: true(self.get(path)), seconds, lambda: self.get(path))
        return self.get(path)

    def cookie(self):
        """A client that came in by the first address, as a browser does."""
        with httpx.Client(base_url=self.url, trust_env=False) as first:
            assert first.get("/", params={"token": self.token}).status_code == 200
            return httpx.Client(base_url=self.url, timeout=60, trust_env=False, cookies=first.cookies)


def wait(true, seconds, told=lambda: ""):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds} s: {told()}"
        time.sleep(0.1)


def draw_set(studio, name, count=40, side=32):
    """Upload so many little drawings, and wait until they have been read."""
    studio.post("/api/data", {"name": name}, 201)
    dice = np.random.default_rng(0)
    for index in range(count):
        picture = np.full((side, side, 3), 255, np.uint8)
        x, y = dice.integers(2, side - 12, 2)
        picture[y : y + 10, x : x + 10] = dice.integers(0, 255, 3)
        path = studio.root.parent / "one.png"
        Image.fromarray(picture).save(path)
        studio.put(f"/api/data/{name}/files/{index}.png", path.read_bytes())
    return studio.until(f"/api/data/{name}", lambda about: about["state"] in {"ready", "failed"})


def events(studio, wanted, seconds=60, path="/api/events"):
    """The events of a stream until `wanted(event, data)` says enough."""
    found = []
    with studio.client.stream("GET", path, timeout=seconds) as stream:
        event = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                event = line.removeprefix("event: ")
            elif line.startswith("data: "):
                found.append((event, json.loads(line.removeprefix("data: "))))
                if wanted(*found[-1]):
                    return found
    raise AssertionError("the stream ended")
