"""Real or fake: each picture carries its own scores, in whatever order and number they come."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from ganvas.evaluation.inspect import Judged

from .conftest import sync_api

expect = sync_api.expect
JOB = {"id": "judging", "kind": "inspect", "state": "done", "what": "", "done": 1, "total": 1, "command": ""}


def test_scores_go_by_name(page: Any, tmp_path: Path) -> None:
    names = ("fake", "broken", "real")
    for shade, name in enumerate(names):
        Image.new("RGB", (32, 32), (80 * shade,) * 3).save(tmp_path / f"{name}.png")
    judged = {"pictures": []}

    def job(route: Any) -> None:
        """Judge the last picture the most real, and leave the second one out."""
        fake, _, real = (f"studio/uploads/{name}" for name in route.request.post_data_json["uploads"])
        found = [Judged(real, 1.5, {"critic": 0.25}, 0.5, 0.875), Judged(fake, -1.5, {}, 0.25, 0.125)]
        judged["pictures"] = [asdict(each) for each in found]
        files = [{"url": "/files/judging/inspect.json", "name": "inspect.json", "bytes": 1}]
        route.fulfill(status=201, json={**JOB, "error": None, "files": files})

    page.route("**/api/uploads/*", lambda route: route.fulfill(status=201, body="{}"))
    page.route("**/api/jobs", job)
    page.route("**/files/judging/inspect.json", lambda route: route.fulfill(body=json.dumps(judged)))
    page.goto("/explore?tab=judge")
    page.locator("input[type=file]").set_input_files([tmp_path / f"{name}.png" for name in names])
    said = page.locator(".judged li")
    expect(said.nth(0)).to_contain_text("above 13% of what it makes, detector -1.5")
    expect(said.nth(1)).to_contain_text("could not be read")
    expect(said.nth(2)).to_contain_text("above 88% of what it makes, detector 1.5, critic 0.25")
    expect(said.nth(0)).not_to_contain_text("critic")
    assert page.complaints == []
