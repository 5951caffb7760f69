import hashlib
import http.server
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ganvas.core.download import download
from ganvas.core.errors import GanvasError

CONTENT = bytes(range(256)) * 20_000


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT, as `server.how` says: whole, in ranges, broken off once, or as an error."""

    def do_GET(self):
        server = self.server
        server.requests.append(self.headers.get("Range"))
        if server.how == "missing" or (server.how == "busy" and len(server.requests) == 1):
            self.send_error(404 if server.how == "missing" else 503)
            return
        start = int((self.headers.get("Range") or "bytes=0-")[6:-1]) if server.how != "no ranges" else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        broken = server.how == "breaks" and len(server.requests) == 1
        self.wfile.write(CONTENT[start : start + 1_000_000 if broken else None])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.how, server.requests = "well", []
        server.address = f"http://127.0.0.1:{server.server_port}/file.gz"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetch(address, path, *, content=CONTENT, kind="sha256", watch=lambda *_: None):
    checksum = f"{kind}:{hashlib.new(kind, content, usedforsecurity=False).hexdigest()}"
    otherwise = "Name a copy: --data mnist:FOLDER"
    return download(address, path, checksum=checksum, watch=watch, otherwise=otherwise, pause_seconds=0)


@pytest.mark.parametrize("kind", ["sha256", "md5"])
def test_a_file_is_fetched_once_and_told_of_before_it_comes(server, tmp_path, kind):
    told = []
    path = fetch(server.address, tmp_path / "new" / "file.gz", kind=kind, watch=lambda *news: told.append(news))
    assert path.read_bytes() == CONTENT
    assert told[0] == (f"Downloading {server.address}", 0, len(CONTENT))
    assert told[-1] == (f"Downloading {server.address}", len(CONTENT), len(CONTENT))
    fetch(server.address, path)
    assert server.requests == [None]
    assert [each.name for each in path.parent.iterdir()] == ["file.gz"]


def test_two_that_want_the_same_file_fetch_it_once(server, tmp_path):
    path = tmp_path / "new" / "file.gz"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: fetch(server.address, path), range(4)))
    assert server.requests == [None]
    assert [each.name for each in path.parent.iterdir()] == ["file.gz"]


@pytest.mark.parametrize("how", ["well", "no ranges"])
def test_what_has_arrived_is_not_fetched_again_if_the_server_can(server, tmp_path, how):
    server.how = how
    (tmp_path / "file.gz.part").write_bytes(CONTENT[:1234])
    assert fetch(server.address, tmp_path / "file.gz").read_bytes() == CONTENT
    assert server.requests == ["bytes=1234-"]


def test_a_complete_part_is_only_checked(server, tmp_path):
    (tmp_path / "file.gz.part").write_bytes(CONTENT)
    assert fetch(server.address, tmp_path / "file.gz").read_bytes() == CONTENT


@pytest.mark.parametrize("how", ["breaks", "busy"])
def test_a_broken_connection_is_taken_up_again(server, tmp_path, how):
    server.how = how
    assert fetch(server.address, tmp_path / "file.gz").read_bytes() == CONTENT
    assert server.requests == [None, "bytes=1000000-" if how == "breaks" else None]


def test_another_file_is_refused_and_not_kept(server, tmp_path):
    with pytest.raises(GanvasError, match=r"is not the expected file: .*--data mnist:FOLDER"):
        fetch(server.address, tmp_path / "file.gz", content=b"other")
    assert [each.name for each in tmp_path.iterdir()] == [".file.gz.part.lock"], "where others may wait"


def test_a_missing_file_is_not_asked_for_twice(server, tmp_path):
    server.how = "missing"
    with pytest.raises(GanvasError, match=r"answered 404 .*--data mnist:FOLDER"):
        fetch(server.address, tmp_path / "file.gz")
    assert len(server.requests) == 1


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/file", "file:///etc/passwd"])
def test_what_cannot_be_reached_is_told(tmp_path, address):
    with pytest.raises(GanvasError, match=r"could not be fetched .*--data mnist:FOLDER|is no http address"):
        fetch(address, tmp_path / "file.gz")


def test_a_folder_that_cannot_be_written_is_told(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(GanvasError, match="cannot be written"):
        fetch(server.address, tmp_path / "file" / "file.gz")
