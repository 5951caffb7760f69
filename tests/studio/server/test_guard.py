"""Who may ask, and who may not: each attack with its status."""

import asyncio
import io
import re
import signal
import socket
import time
import zipfile

import httpx
import pytest
from PIL import Image

from ganvas.studio import guard
from ganvas.studio.refused import Refused
from ganvas.studio.serve import _listen

from .studio_server import Studio, free_port

TRAVERSALS = [
    "../x.png", "..%2fx.png", "%2e%2e/x.png", "%2e%2e%2fx.png", "..%5cx.png", "..\\x.png", "a/../../x.png", "a/../x.png",
    "./x.png", "a/./x.png", "a//x.png", "/etc/x.png", "%2fetc%2fx.png", "C:/x.png", "C:%5cx.png", "c:x.png", "a/.x.png",
    ".hidden/x.png", "con.png", "NUL.png", "aux/x.png", "com1.png", "lpt9.txt", "x.png%00.png", "a%00/x.png", "a%0ax.png",
    "a%0dx.png", "a%1bx.png", "a%7fx.png", "a%C2%85x.png", "a%E2%80%AEgnp.png", "x.png.", "x.png%20", "a./x.png",
    "a*b.png", "a%3fb.png", "a%22b.png", "a%3cb.png", "a%7cb.png", "1/2/3/4/5/6/7/8/9.png", f"{'a' * 101}.png",
]  # fmt: skip


def raw(studio, text):
    """What the server answers to these bytes, byte for byte as they are."""
    with socket.create_connection(("127.0.0.1", studio.port), timeout=60) as wire:
        wire.sendall(text if isinstance(text, bytes) else text.encode("latin-1"))
        found = b""
        while part := wire.recv(65536):
            found += part
            if b"\r\n\r\n" in found and b"ontent-" not in found[found.index(b"\r\n\r\n") :]:
                break
    return int(found.split()[1]), found


def head(studio, method="GET", path="/api/state", **headers):
    lines = {"Host": f"127.0.0.1:{studio.port}", "Connection": "close", "Authorization": f"Bearer {studio.token}"}
    lines |= {name.replace("_", "-"): value for name, value in headers.items()}
    return (
        f"{method} {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines.items() if v is not None) + "\r\n"
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_hosts_that_are_ours(studio, host):
    assert raw(studio, head(studio, Host=f"{host}:{studio.port}"))[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:PORT", "127.0.0.1", "127.0.0.1:1", "", "127.0.0.1.evil:PORT"]
)
def test_hosts_that_are_not(studio, host):
    assert raw(studio, head(studio, Host=host.replace("PORT", str(studio.port))))[0] == 421
    assert raw(studio, head(studio, path="/", Host=host.replace("PORT", str(studio.port))))[0] == 421


def test_without_a_cookie_there_is_nothing_but_how_to_get_in(studio):
    with httpx.Client(base_url=studio.url, trust_env=False) as stranger:
        for path in (
            "/",
            "/app.js",
            "/ideas",
            "/api/state",
            "/openapi.json",
            "/i/0/0.png",
            "/files/a/b",
            "/api/events",
        ):
            answer = stranger.get(path)
            assert answer.status_code == 401, path
            assert "ganvas studio" in answer.text
        assert stranger.get("/", params={"token": studio.token[:-1] + "x"}).status_code == 401
        assert stranger.get("/api/state", headers={"Authorization": "Bearer x"}).status_code == 401
        assert stranger.get("/api/state", headers={"Cookie": f"ganvas-{studio.port}={studio.token}"}).status_code == 401
        assert "set-cookie" not in stranger.get("/", params={"token": ""}).headers


def test_the_first_address_lets_a_browser_in(studio):
    with httpx.Client(base_url=studio.url, trust_env=False) as browser:
        answer = browser.get("/", params={"token": studio.token})
        assert answer.status_code == 200
        assert 'content="0;url=/"' in answer.text
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"ganvas-{studio.port}=")
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert studio.token not in cookie
        assert browser.get("/api/state").status_code == 200


def test_every_answer_has_the_headers(studio):
    for path in ("/", "/api/state", "/nothing.png", "/api/nothing"):
        answer = studio.client.get(path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
    assert studio.client.get("/").headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "origin", [None, "null", "http://evil.example", "https://127.0.0.1:PORT", "http://127.0.0.1:1"]
)
def test_only_our_own_page_changes_something(studio, origin):
    headers = {} if origin is None else {"Origin": origin.replace("PORT", str(studio.port))}
    with studio.cookie() as browser:
        assert browser.post("/api/data", json={"name": "theirs"}, headers=headers).status_code == 403
        assert browser.delete("/api/data/theirs", headers=headers).status_code == 403
        mine = {"Origin": studio.url}
        assert browser.post("/api/plan", json={"source": "digits", "settings": []}, headers=mine).status_code == 200


@pytest.mark.parametrize(
    ("site", "status"), [("same-origin", 200), ("none", 200), ("cross-site", 403), ("same-site", 403)]
)
def test_other_sites_may_link_but_not_ask(studio, site, status):
    assert raw(studio, head(studio, Sec_Fetch_Site=site))[0] == status
    assert raw(studio, head(studio, path="/", Sec_Fetch_Site=site))[0] == 200


def test_bodies_of_the_wrong_kind_or_length(studio):
    assert studio.client.post("/api/draw", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert studio.client.post("/api/draw", data={"a": "b"}).status_code == 415
    large = b'{"model": "' + b"a" * 3_000_000 + b'"}'
    assert (
        studio.client.post("/api/draw", content=large, headers={"Content-Type": "application/json"}).status_code == 413
    )
    chunks = iter([b'{"model": "', *[b"a" * 10_000] * 200])
    assert (
        studio.client.post("/api/draw", content=chunks, headers={"Content-Type": "application/json"}).status_code == 413
    )
    for text in (b"{", b"[]", b"\xff", b"[" * 100_000, b'{"model": NaN}'):
        answer = studio.client.post("/api/draw", content=text, headers={"Content-Type": "application/json"})
        assert answer.status_code in {400, 422}, text[:10]
        assert answer.json()["error"]["message"]
    assert raw(studio, head(studio, "POST", "/api/draw", Content_Length="-1"))[0] == 400


def test_whoever_sends_much_is_answered_all_the_same(studio):
    much = b"a" * 20_000_000
    for path, status in (("/api/data/none/files/a.png", 404), ("/api/data/none/files/a.exe", 415), ("/api/draw", 405)):
        assert studio.client.put(path, content=much, headers={"Content-Type": "image/png"}).status_code in {status, 413}


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_upload_leads_out(studio, path):
    studio.client.post("/api/data", json={"name": "walls"})
    before = {each for each in studio.root.parent.rglob("*") if "walls" not in each.parts}
    request = head(studio, "PUT", f"/api/data/walls/files/{path}", Content_Length="3", Content_Type="image/png") + "abc"
    status, _ = raw(studio, request)
    assert status in {400, 404, 405, 415}, path
    after = {each for each in studio.root.parent.rglob("*") if "walls" not in each.parts}
    assert {each for each in after - before if each.suffix == ".png"} == set()
    assert list((studio.root / "data" / "walls").rglob("*.png")) == []


@pytest.mark.parametrize(
    "path",
    ["/../key.json", "/..%2fstudio%2fkey.json", "/%2e%2e/key.json", "/files/../../studio/key.json",
     "/runs/..%2f..%2fstudio/sheets/0.png", "/api/runs/..", "/api/data/%2e%2e", "/files/a/%2e%2e%2f%2e%2e%2fkey.json",
     "/kept/..%2f..%2fx.png", "/api/models/..%2ficons", "/data/walls/2e2e2f782e706e67.png", "/i/0000000000000000/a.png"],
)  # fmt: skip
def test_no_download_leads_out(studio, path):
    status, found = raw(studio, head(studio, path=path))
    assert status in {404, 410, 422} or b"<!doctype html>" in found, path
    assert b"secret" not in found
    assert studio.token.encode() not in found


def test_links_that_lead_out_are_not_followed(studio):
    studio.post("/api/data", {"name": "links"}, 201)
    folder = studio.root / "data" / "links"
    (folder / "out").symlink_to(studio.root.parent / "secret")
    assert studio.put("/api/data/links/files/out/a.png", b"abc", 409)["error"]
    assert not (studio.root.parent / "secret" / "a.png").exists()
    (studio.root / "runs" / "led").symlink_to(studio.root.parent / "secret")
    assert studio.get("/api/runs/led", 404)
    (studio.root / "data" / "led").symlink_to(studio.root.parent / "secret")
    assert studio.get("/api/data/led", 404)
    for path in (folder / "out", studio.root / "runs" / "led", studio.root / "data" / "led"):
        path.unlink()


def test_folders_outside_may_not_be_read(studio):
    for folder, status in (
        ("/etc", 403),
        ("/", 403),
        ("secret", 403),
        ("pictures/../secret", 403),
        ("pictures/none", 422),
        ("..", 403),
    ):
        assert studio.post("/api/data", {"name": "outside", "folder": folder}, status)["error"]


def test_a_zip_is_never_unpacked(studio, tmp_path):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("../../slipped.png", b"no picture")
        packed.writestr("bomb.png", b"\0" * 300_000_000)
    studio.post("/api/data", {"name": "zipped"}, 201)
    studio.put("/api/data/zipped/files/a.zip", content.getvalue())
    found = studio.until("/api/data/zipped", lambda about: about["state"] == "failed")
    assert "Not one" in found["error"]
    assert found["source"] == "data/zipped/a.zip"
    assert not list(studio.root.parent.rglob("slipped.png"))
    assert studio.put("/api/data/zipped/files/b.png", b"abc", 409)["error"]


def test_a_picture_that_would_fill_the_memory(studio, tmp_path):
    Image.new("1", (30_000, 30_000)).save(tmp_path / "bomb.png")
    studio.post("/api/data", {"name": "bombs"}, 201)
    studio.put("/api/data/bombs/files/bomb.png", (tmp_path / "bomb.png").read_bytes())
    found = studio.until("/api/data/bombs", lambda about: about["state"] == "failed")
    assert "megapixels" in found["error"]


def test_markup_in_names_is_no_markup(studio):
    name = "<img src=x onerror=alert(1)>"
    assert studio.put(f"/api/data/walls/files/{name}.png", b"abc", 400)["error"]
    for path, body in (
        ("/api/data", {"name": name}),
        ("/api/runs", {"source": "digits", "name": name, "images": 64, "settings": []}),
        ("/api/plan", {"source": name, "settings": []}),
    ):
        answer = studio.client.post(path, json=body)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/json"
    words = {"model": "icons", "places": [{"seed": 1, "words": name}]}
    answer = studio.client.post("/api/draw", json=words)
    assert answer.status_code in {200, 422}
    assert answer.headers["content-type"] == "application/json"


def test_settings_and_sources_name_no_files(studio):
    plan = {"source": "digits", "settings": []}
    for more in (
        {"settings": ["data=folder('/etc')"]}, {"settings": ["data.path=/etc"]}, {"settings": ["x=../a"]},
        {"source": "/etc"}, {"source": "folder:/etc"}, {"source": "points:/etc/passwd"}, {"source": "http://a"},
        {"source": "data/../.."}, {"settings": ["nonsense=1"]}, {"settings": ["batch='a'"]}, {"from": "nobody"},
    ):  # fmt: skip
        assert studio.post("/api/plan", {**plan, **more}, 422)["error"]["message"]


def test_ranges(studio):
    answer = studio.client.get("/app.js", headers={"Range": "bytes=" + ",".join(f"{n}-" for n in range(5000))})
    assert answer.status_code in {200, 206, 400, 404, 416}
    assert len(answer.content) < 2_000_000


def test_nobody_waits_for_a_body_forever(monkeypatch):
    """In a tenth of a second here, and in the time that it takes below."""

    async def nothing():
        await asyncio.sleep(60)

    monkeypatch.setattr(guard, "SLOW_SECONDS", 0.1)
    with pytest.raises(Refused) as refused:
        asyncio.run(guard._whole(nothing, 100))
    assert refused.value.status == 408


@pytest.mark.slow
def test_a_body_that_does_not_come(studio):
    with socket.create_connection(("127.0.0.1", studio.port), timeout=60) as wire:
        began = time.monotonic()
        request = head(studio, "POST", "/api/draw", Content_Length="100", Content_Type="application/json")
        wire.sendall(request.encode() + b"{")
        assert b" 408 " in wire.recv(65536)
        assert 25 < time.monotonic() - began < 45


def test_a_port_in_use_and_another_host(studio, tmp_path):
    with socket.socket() as other:
        port = free_port()
        other.bind(("127.0.0.1", port))
        other.listen()
        second = Studio(tmp_path / "second", port=port).start()
    second.kill()
    told = re.search(rf"port {port} is in use; taking (\d+)", second.said)
    assert port < int(told[1]) < port + 10, "the next one may be in use, too"
    assert second.url.endswith(f":{told[1]}")


def test_an_answer_waits_for_no_acknowledgement():
    """asyncio turns Nagle's algorithm off only for what is TCP by name; with it each answer takes 40 ms longer."""
    with _listen("127.0.0.1", free_port()) as listening:
        assert listening.proto == socket.IPPROTO_TCP


def test_it_ends_without_a_word_about_tabs_that_were_open(tmp_path):
    studio = Studio(tmp_path / "workspace").start()
    with studio.client.stream("GET", "/api/events") as tab:
        next(tab.iter_lines())
        studio.kill(signal.SIGTERM)
    assert "Traceback" not in studio.log()
