"""Turn a job's request into one command of the toolkit and the files that it makes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .models import Models
from .refused import Refused
from .workspace import Workspace, check_name, read_json

__all__ = ["Ask", "ask"]


@dataclass(frozen=True)
class Ask:
    """A command, and what becomes of its output.

    argv     the arguments of `ganvas`; files are relative to the workspace
    makes    names or patterns of files in the job's folder, in the order in which they are offered
    answer   the name of the file for its standard output, or ""
    packed   the name of a folder that it makes and that is offered as a zip, or ""
    """

    argv: list[str]
    makes: tuple[str, ...] = ()
    answer: str = ""
    packed: str = ""


def ask(asked: Mapping[str, Any], folder: str, workspace: Workspace, models: Models, sets: Callable[[str], str]) -> Ask:
    """The command of a job that works in `folder`, relative to the workspace; `sets` gives the source of a set.

    Raises:
        Refused: 404, something that it names does not exist; 422, the request is inconsistent.
    """
    return _KINDS[asked["kind"]](_Asked(asked, folder, workspace, models, sets))


@dataclass(frozen=True)
class _Asked:
    words: Mapping[str, Any]
    folder: str
    workspace: Workspace
    models: Models
    sets: Callable[[str], str]

    def __getitem__(self, name: str) -> Any:
        return self.words.get(name)

    def model(self) -> str:
        """The model's name on the command line."""
        self.models.about(self["model"])
        return self.models.words_of(self["model"])

    def run(self, name: str = "run") -> str:
        """The command-line name of a run, of its best model, or of a built-in model."""
        given, _, best = str(self[name]).removeprefix("runs/").partition("/")
        check_name(given, what="run")
        if (self.workspace.root / "runs" / given / "run.json").exists():
            self.workspace.inside(self.workspace.run(given), *([best] if best else []))
            return f"runs/{given}/{best}".rstrip("/")
        self.models.about(given)
        return self.models.words_of(given)

    def learned(self, run: str) -> list[str]:
        """The data that a run learned from, for a model in best/, which has no run.json."""
        if not run.endswith("/best"):
            return []
        source = str(read_json(self.workspace.root / run / "../run.json", {}).get("source", ""))
        return [source.removeprefix(f"folder:{self.workspace.root}/")] if source else []

    def upload(self, name: str) -> str:
        """An uploaded file, relative to the workspace."""
        self.workspace.inside(self.workspace.studio("uploads"), check_name(name, what="upload"))
        return f"studio/uploads/{name}"

    def out(self, name: str) -> str:
        """A file of the job, relative to the workspace."""
        return f"{self.folder}/{name}"

    def scale(self) -> list[str]:
        """The option for the enlargement of pictures, unless the command chooses it."""
        return ["--scale", str(self["scale"])] if (self["scale"] or 1) > 1 else []

    def held_out(self) -> list[str]:
        """The option for held-out pictures."""
        return ["--held-out", self.sets(self["held_out"])] if self["held_out"] else []


def _places(places: Any) -> list[str]:
    return [word for place in places for word in ("--place", _text(place))]


def _text(place: Mapping[str, Any]) -> str:
    from ..models.place import Place

    return Place.of(dict(place)).as_json()


def _pictures(asked: _Asked) -> Ask:
    words = ["sample", asked.model(), *_places(asked["places"]), *asked.scale()]
    one = len(asked["places"]) == 1
    argv = [*words, "--separate", "--out", asked.out("pictures")]
    return Ask(argv, makes=("pictures/*",) if one else (), packed="" if one else "pictures")


def _sheet(asked: _Asked) -> Ask:
    columns = ["--columns", str(asked["columns"])] if asked["columns"] else []
    words = ["sample", asked.model(), *_places(asked["places"]), *columns, *asked.scale()]
    return Ask([*words, "--out", asked.out("sheet.png")], makes=("sheet.png",))


def _svg(asked: _Asked) -> Ask:
    words = ["sample", asked.model(), *_places(asked["places"])]
    return Ask([*words, "--out", asked.out("pictures.svg")], makes=("pictures.svg",))


def _morph(asked: _Asked) -> Ask:
    name = f"morph.{asked['format']}"
    flags = ["--closed"] * bool(asked["loop"]) + ["--steady"] * (not asked["eased"])
    words = ["morph", asked.model(), *_places(asked["stops"]), *flags, "--seconds", f"{asked['seconds']:g}"]
    return Ask([*words, *asked.scale(), "--out", asked.out(name)], makes=(name,))


def _film(asked: _Asked) -> Ask:
    name, seed = f"film.{asked['format']}", asked["seed"]
    words = ["film", asked.run(), *(["--seed", str(seed)] if seed is not None else [])]
    return Ask([*words, "--out", asked.out(name)], makes=(name,))


def _directions(asked: _Asked) -> Ask:
    return Ask(["directions", asked.model(), "--strips", asked.out("directions.png")], makes=("directions.png",))


def _edit(asked: _Asked) -> Ask:
    goals, without = asked["goals"], asked["without"] or []
    if not goals:
        raise Refused(422, "Say what is to change.", field="goals")
    words = ["edit", asked.model(), *_places([asked["place"]])]
    words += [word for name, goal in goals.items() for word in (f"--direction={name}", f"--strength={goal:g}")]
    words += [f"--without={name}" for name in without]
    return Ask([*words, "--gradient", "--pictures", "1", "--out", asked.out("edited.png")], makes=("edited.png",))


def _project(asked: _Asked) -> Ask:
    words = ["project", asked.model(), asked.upload(asked["upload"]), "--steps", str(asked["steps"])]
    words += ["--keywords", asked["words"]] if asked["words"] else []
    words += ["--pixels"] if asked["pixels"] else []
    return Ask([*words, "--out", asked.out("projected.png")], makes=("place.json", "projected.png", "*.safetensors"))


def _inspect(asked: _Asked) -> Ask:
    files = [asked.upload(name) for name in asked["uploads"] or []]
    files += [asked.sets(asked["set"])] if asked["set"] else []
    words = ["inspect", asked.run(), *files, "--adapt", "--json", *asked.held_out()]
    makes = ("inspect.json", "sheet.png") if files else ("inspect.json",)
    sheet = ["--sheet", asked.out("sheet.png")] if files else []
    return Ask([*words, *sheet], makes=makes, answer="inspect.json")


def _evaluate(asked: _Asked) -> Ask:
    run = asked.run()
    words = ["evaluate", run, *asked.learned(run), "--count", str(asked["count"]), "--json", *asked.held_out()]
    argv = [*words, "--neighbours", asked.out("neighbours.png")]
    return Ask(argv, makes=("evaluate.json", "neighbours.png"), answer="evaluate.json")


def _compare(asked: _Asked) -> Ask:
    words = ["compare", asked.run("a"), asked.run("b"), "--count", str(asked["count"]), "--json"]
    return Ask(words, makes=("compare.json",), answer="compare.json")


def _publish(asked: _Asked) -> Ask:
    run = asked.run()
    name = Path(run).name
    about: list[str] = []
    if asked["about"]:
        path = asked.workspace.root / asked.folder / "about.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(asked["about"], encoding="utf-8")
        about = ["--about", asked.out("about.txt")]
    return Ask(["publish", run, asked.out(name), *about], packed=name)


def _onnx(asked: _Asked) -> Ask:
    return Ask(["export", asked.model(), "--out", asked.out("model.onnx")], makes=("model.onnx", "model.onnx.data"))


def _page(asked: _Asked) -> Ask:
    return Ask(["export", asked.model(), "--out", asked.out("page.html")], makes=("page.html",))


_KINDS: dict[str, Callable[[_Asked], Ask]] = {
    "pictures": _pictures,
    "sheet": _sheet,
    "svg": _svg,
    "morph": _morph,
    "film": _film,
    "directions": _directions,
    "edit-gradient": _edit,
    "project": _project,
    "inspect": _inspect,
    "evaluate": _evaluate,
    "compare": _compare,
    "publish": _publish,
    "onnx": _onnx,
    "page": _page,
}
