"""One studio for the tests that leave it as it was."""

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

from .studio_server import Studio


@pytest.fixture(scope="session")
def studio(tmp_path_factory):
    folder = tmp_path_factory.mktemp("studio")
    (folder / "pictures").mkdir()
    (folder / "secret").mkdir()
    (folder / "secret" / "key.txt").write_text("secret")
    running = Studio(folder / "workspace", roots=(folder / "pictures",)).start()
    yield running
    running.kill()
