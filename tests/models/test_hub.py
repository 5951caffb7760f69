"""Models on Hugging Face, by the package itself against a stand-in on this machine."""

import builtins
import pickle
from dataclasses import replace

import pytest
from conftest import files
from stand_in import Hub

from ganvas import fit, load
from ganvas.core.errors import DoesNotFit, NotFound, NotInstalled, Unreachable, Unreadable
from ganvas.latent.directions import beside
from ganvas.models import hub
from ganvas.models.hub import fetched, repository, upload
from ganvas.models.layout import CONFIG, CRITICS, FILES
from ganvas.models.made import made_of
from ganvas.models.publish import hand_over

TOKEN = "hf_thisIsASecretOfTheTests"
pytest.importorskip("huggingface_hub")
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # the package's own, as it sends


@pytest.fixture(scope="module")
def run(pictures, tmp_path_factory):
    recipe = replace(pictures, images=16, sheets=1)
    return fit(recipe, out=tmp_path_factory.mktemp("runs") / "digits", quiet=True, device="cpu")


@pytest.fixture(scope="module")
def folder(run, tmp_path_factory):
    return hand_over(run.path, tmp_path_factory.mktemp("models") / "digits")


def points_to(monkeypatch, address):
    """As HF_ENDPOINT does, which the package reads once as it is imported."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", address + "/{repo_id}/resolve/{revision}/{filename}")


@pytest.fixture
def there(monkeypatch, tmp_path):
    """The stand-in, to which the package speaks with a cache of its own and somebody's token."""
    from huggingface_hub import constants

    made = Hub()
    points_to(monkeypatch, made.address)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # a server of which is more than a few lines
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub._fetched.cache_clear()
    yield made
    made.shutdown()
    made.server_close()
    hub._fetched.cache_clear()


@pytest.fixture
def kept(there, folder):
    """Me has put the model there; a pickle lies beside it."""
    held = files(folder) | {"pytorch_model.bin": pickle.dumps(1), "optimizer.pkl": pickle.dumps(2)}
    there.repos["me/digits"] = {"main": held}
    return there


def test_it_is_put_there_and_drawn_from_there(there, run, folder, ganvas, tmp_path):
    code, out, err = ganvas("publish", run.path, "--to", "hf:me/digits", "--licence", "mit")
    assert (code, out.strip()) == (0, f"the model is {there.address}/me/digits"), err
    assert set(there.repos["me/digits"]["main"]) == set(FILES)
    assert len(there.large) == 3, "the weights and the picture went by themselves"
    assert b"# me/digits\n" in there.repos["me/digits"]["main"]["README.md"]
    code, out, err = ganvas("sample", "hf:me/digits", "--count", 2, "--out", "two.png")
    assert code == 0, err
    assert load("hf:me/digits").generate([1]).equal(load(folder).generate([1]))
    assert made_of(tmp_path / "two.png").model == "hf:me/digits"
    assert TOKEN not in out + err
    assert there.tokens == {f"Bearer {TOKEN}"}


def test_nothing_but_the_files_of_the_layout_is_fetched(kept):
    at = fetched("hf:me/digits")
    assert set(files(at)) == set(FILES)
    assert {path.rpartition("/")[2] for _, path in kept.asked} == set(FILES)
    before = len(kept.asked)
    assert fetched("hf:me/digits") == at
    assert len(kept.asked) == before, "once in a process"


def test_training_starts_from_there(kept, pictures, tmp_path, folder):
    short = replace(pictures, images=16, sheets=1)
    begun = fit(short, start_from="hf:me/digits", seed=1, out=tmp_path / "begun", quiet=True, device="cpu")
    same = fit(short, start_from=folder, seed=1, out=tmp_path / "same", quiet=True, device="cpu")
    assert all(value.equal(same.restore()[name]) for name, value in begun.restore().items())
    assert begun.about["from"] == "hf:me/digits"
    assert not any(TOKEN.encode() in content for content in files(begun.path).values())


def test_a_revision_is_a_branch_or_a_commit(kept, run, tmp_path):
    other = files(hand_over(run.newest / "model.safetensors", tmp_path / "other"))
    kept.repos["me/digits"]["pull/1"] = other
    assert CRITICS not in files(fetched("hf:me/digits@pull/1"))
    commit = fetched("hf:me/digits").name
    assert fetched(f"hf:me/digits@{commit}").name == commit
    with pytest.raises(NotFound, match="has no such revision"):
        fetched("hf:me/digits@never")


def test_without_a_network_it_is_drawn_as_it_was_fetched(kept, monkeypatch):
    at = fetched("hf:me/digits")
    points_to(monkeypatch, "http://127.0.0.1:9")  # where nobody listens
    monkeypatch.setattr("time.sleep", lambda _: None)  # before the package tries again
    hub._fetched.cache_clear()
    assert fetched("hf:me/digits") == at
    with pytest.raises(Unreachable, match="cannot be reached"):
        fetched("hf:me/other")


def test_others_models_are_refused_before_their_weights_come(there):
    there.repos["me/other"] = {"main": {CONFIG: b'{"_class_name": "UNet2DModel"}', "model.safetensors": b"\0" * 99}}
    with pytest.raises(Unreadable, match="another library"):
        fetched("hf:me/other")
    assert not any("safetensors" in path for _, path in there.asked)
    there.repos["me/empty"] = {"main": {}}
    with pytest.raises(NotFound, match=r"no config\.json"):
        fetched("hf:me/empty")


def test_private_ones_and_wrong_tokens(there, run, folder, ganvas, monkeypatch):
    assert ganvas("publish", run.path, "--to", "hf:me/mine", "--private")[0] == 0
    fetched("hf:me/mine")
    monkeypatch.setenv("HF_TOKEN", "hf_another")
    hub._fetched.cache_clear()
    code, out, err = ganvas("sample", "hf:me/never")
    assert code == 1
    assert "There is no hf:me/never that you may see" in err
    assert "hf auth login" in err
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
    code, out, err = ganvas("publish", run.path, "--to", "hf:me/new")
    assert code == 1
    assert "log in" in err
    assert "hf_another" not in out + err


@pytest.mark.parametrize("name", ["hf:", "hf:digits", "hf:me/digits@", "hf:../../etc", "hf:me/a/b", "hf:me/dig its"])
def test_names(name, there):
    with pytest.raises(DoesNotFit):
        fetched(name)
    assert there.asked == []


def test_names_in_full():
    assert repository("hf:me/digits") == ("me/digits", None)
    assert repository("hf:me/digits@v1.0") == ("me/digits", "v1.0")


def test_directions_of_one_there_lie_in_the_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path))
    assert beside("hf:me/digits").is_relative_to(tmp_path)


def test_without_the_package_the_extra_is_named(folder, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] == "huggingface_hub":
            raise ImportError
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    for ask in (lambda: fetched("hf:me/absent"), lambda: upload(folder, "hf:me/absent")):
        with pytest.raises(NotInstalled, match=r"pip install 'ganvas\[hub\]'"):
            ask()
