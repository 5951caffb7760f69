"""Models on Hugging Face, hf:user/name or hf:user/name@revision, fetched and handed on by the package huggingface_hub.

Of a repository only the files of layout.py are ever fetched, which are JSON, safetensors, a picture and a text: a
pickle that lies beside them stays there. The package keeps what it fetched in its own cache and draws on it without a
network. It is also what knows the token of who is logged in; here it is neither asked for nor written down.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from ..core import checkpoint
from ..core.errors import DoesNotFit, NotFound, NotInstalled, Unreachable
from .hub_name import SCHEME, is_on_hub, repository
from .layout import CONFIG, CRITICS, FILES, read_folder

__all__ = ["fetched", "is_on_hub", "repository", "upload"]


def fetched(place: str | Path) -> Path:
    """The folder of a model on Hugging Face, as it is there now; without a network as it was fetched last.

    Raises:
        DoesNotFit, NotFound, NotInstalled or Unreachable: the name is none, nothing is there, or it cannot be reached.
        Unreadable: it is no model of ganvas; that is seen before its weights are fetched.
    """
    return _fetched(*repository(place))


@cache
def _fetched(name: str, revision: str | None) -> Path:
    """Once in a process, so that all that it reads is of one revision."""
    hub = _hub()
    with _answering(name):
        config = Path(hub.hf_hub_download(name, CONFIG, revision=revision))
    held = read_folder(config.parent).config.get("files")
    wanted = [file for file in FILES if file != CRITICS or (isinstance(held, dict) and CRITICS in held)]
    with _answering(name):
        for file in wanted:
            try:
                hub.hf_hub_download(name, file, revision=config.parent.name)  # the commit that config.json is of
            except hub.errors.EntryNotFoundError:
                if file in {checkpoint.MODEL, CRITICS}:
                    raise
    return config.parent


def upload(folder: Path, place: str | Path, *, private: bool = False) -> str:
    """Hand a folder in the layout on to Hugging Face, in one commit, and answer where it is.

    Args:
        folder: the folder; nothing in it but the layout's files is sent.
        place: the repository, which is made if there is none; another revision is a branch that has to be there.
        private: whether a new repository is for its owner alone.

    Raises:
        DoesNotFit, NotFound, NotInstalled or Unreachable: as in `fetched`, or one may not write there.
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
    """Say in one sentence why a repository cannot be used; what the package says may hold signed addresses."""
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
    except ValueError:  # a name that the hub does not give
        raise DoesNotFit(f"{name} is no name of a repository on Hugging Face.") from None
    except Exception as error:  # of the disk, and of whichever library speaks http for it
        raise Unreachable(f"{SCHEME}{name} cannot be reached or kept ({type(error).__name__}): try again.") from None
