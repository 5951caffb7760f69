"""Download and upload models on Hugging Face, hf:user/name or hf:user/name@revision, with the package huggingface_hub.

Only the files of layout.py are downloaded, which are JSON, safetensors, a picture and a text: a pickle next to them is
never fetched. The package caches downloads and uses them without a network. It also manages the login token, which is
neither requested nor stored here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from ..core import checkpoint
from ..core.errors import DoesNotFit, NotFound, NotInstalled, Unreachable
from .hub_name import SCHEME, repository
from .layout import CONFIG, CRITICS, FILES, read_folder

__all__ = ["fetched", "upload"]


def fetched(place: str | Path) -> Path:
    """Download a model from Hugging Face and return its folder; without a network, the last downloaded version.

    Raises:
        DoesNotFit, NotFound, NotInstalled or Unreachable: the name is invalid, nothing is there, huggingface_hub is
            missing, or the hub cannot be reached.
        Unreadable: it is no model of ganvas; this is checked before its weights are downloaded.
    """
    return _fetched(*repository(place))


@cache
def _fetched(name: str, revision: str | None) -> Path:
    """Cached, so that everything a process reads comes from one revision."""
    hub = _hub()
    with _answering(name):
        config = Path(hub.hf_hub_download(name, CONFIG, revision=revision))
    held = read_folder(config.parent).config.get("files")
    wanted = [file for file in FILES if file != CRITICS or (isinstance(held, dict) and CRITICS in held)]
    with _answering(name):
        for file in wanted:
            try:
                hub.hf_hub_download(name, file, revision=config.parent.name)  # the commit of config.json
            except hub.errors.EntryNotFoundError:
                if file in {checkpoint.MODEL, CRITICS}:
                    raise
    return config.parent


def upload(folder: Path, place: str | Path, *, private: bool = False) -> str:
    """Upload a folder in this layout to Hugging Face in one commit, and return its URL.

    Args:
        folder: the folder; only the layout's files in it are uploaded.
        place: the repository, created if there is none; a revision must be an existing branch.
        private: whether a new repository is private.

    Raises:
        DoesNotFit, NotFound, NotInstalled or Unreachable: as in `fetched`, or writing there is not permitted.
    """
    name, revision = repository(place)
    hub = _hub()
    with _answering(name):
        api = hub.HfApi(library_name="ganvas")
        api.create_repo(name, private=private or None, exist_ok=True)
        api.upload_folder(
            folder_path=folder,
            repo_id=name,
            revision=revision,
            allow_patterns=list(FILES),
            commit_message="A model by ganvas publish",
        )
    return f"{hub.constants.ENDPOINT}/{name}"


def _hub() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError:
        raise NotInstalled("Models on Hugging Face take a package: pip install 'ganvas[hub]'.") from None
    return huggingface_hub


@contextmanager
def _answering(name: str) -> Iterator[None]:
    """Turn the package's errors into one sentence each; its own messages may contain signed URLs."""
    errors = _hub().errors
    login = "if it is private or gated, log in by `hf auth login`, or set HF_TOKEN"
    try:
        yield
    except errors.RevisionNotFoundError:
        raise NotFound(f"{SCHEME}{name} has no such revision: name a branch, a tag or a commit of it.") from None
    except errors.RepositoryNotFoundError:
        raise NotFound(f"There is no {SCHEME}{name} that you may see; {login}.") from None
    except errors.RemoteEntryNotFoundError:
        raise NotFound(f"{SCHEME}{name} has no {CONFIG} or no weights, so it is no model of ganvas.") from None
    except errors.LocalEntryNotFoundError:
        raise Unreachable(f"{SCHEME}{name} cannot be reached, and was not fetched before: try again later.") from None
    except errors.HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        if status in {401, 403}:
            raise Unreachable(f"{SCHEME}{name} refuses you: log in by `hf auth login`, or set HF_TOKEN.") from None
        raise Unreachable(f"{SCHEME}{name} cannot be reached now (status {status}): try again later.") from None
    except ValueError:  # an invalid repository name
        raise DoesNotFit(f"{name} is no name of a repository on Hugging Face.") from None
    except Exception as error:  # disk errors, and those of whichever HTTP library is in use
        raise Unreachable(f"{SCHEME}{name} cannot be reached or kept ({type(error).__name__}): try again.") from None
