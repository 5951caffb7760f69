"""What the documentation shows is run, or at least parsed: no command, option, name or file in it is of yesterday."""

import ast
import importlib
import os
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from test_architecture import ROOMS
from walk import ELSEWHERE, lines, quick, shortened, steps

import ganvas
from ganvas.cli.app import app
from ganvas.cli.exercises.exercise import EXERCISES
from ganvas.core import catalog
from ganvas.metrics.features import classifier

ROOT = Path(__file__).parents[1]
PROGRAMS = sorted((ROOT / "docs_src").rglob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = typer.main.get_command(app)


def blocks(page, *languages):
    """The code blocks of these languages in a page."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [code for language, code in found if language in languages]


def commands(text):
    """Every `ganvas ...` in some lines of a terminal, as words."""
    lines = [part for line in text.splitlines() for part in line.split("&&")]
    words = [
        shlex.split(line.removeprefix("$ "), comments=True) for line in lines if re.match(r"\s*(\$ )?ganvas ", line)
    ]
    return [each[1:] for each in words]


@pytest.mark.parametrize("program", PROGRAMS, ids=[program.stem for program in PROGRAMS])
def test_programs_run(program, tmp_path, monkeypatch, capsys, registry):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(program.parent)
    monkeypatch.setattr("sys.argv", [str(program)])  # the short version of those that have a full one
    for name in ("LEAST_SEEN", "MOST_SEEN"):  # a judge that reads nine digits in ten is judge enough for these
        monkeypatch.setattr(classifier, name, 6_400)
    runpy.run_path(str(program), run_name="__main__")
    assert capsys.readouterr().out
    assert ast.get_docstring(ast.parse(program.read_text())).endswith(".")


def test_a_figure_keeps_its_colours_beside_pictures(tmp_path, monkeypatch):
    """A line that turns gray cannot be found in the legend."""
    monkeypatch.syspath_prepend(ROOT / "docs_src" / "why")
    figure = importlib.import_module("figure")
    drawn = figure.Figure(2)
    drawn.picture("pictures", np.random.default_rng(0).integers(0, 256, (200, 300), np.uint8))
    panel = drawn.panel("lines", across=(0, 1), up=(0, 1))
    inks = figure.BLUE, figure.ORANGE, figure.GREEN, figure.RED, figure.GRAY
    for at, ink in enumerate(inks):
        panel.line((0, 1), (0.2 * at, 0.2 * at), ink, str(at))
    drawn.save(tmp_path / "x.png")
    with Image.open(tmp_path / "x.png") as image:
        assert {colour for _, colour in image.convert("RGB").getcolors(256)} >= set(inks)


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_snippets_parse_and_name_what_there_is(page):
    for code in blocks(page, "python"):
        tree = ast.parse(code)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ganvas":
                assert node.attr in dir(ganvas), f"ganvas.{node.attr}"


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_commands_parse(page):
    found = [words for code in blocks(page, "", "bash", "console", "sh") for words in commands(code)]
    found += [words for inline in re.findall(r"`(ganvas [^`]+)`", page.read_text()) for words in commands(inline)]
    assert found or page.stem != "README"
    for name, *words in found:
        assert name in COMMAND.commands, f"ganvas {name}"
        COMMAND.commands[name].make_context(name, list(words))  # parsed, not run


def test_the_readme_knows_the_options():
    known = {option for each in COMMAND.commands.values() for parameter in each.params for option in parameter.opts}
    text = PAGES[0].read_text()
    for option in re.findall(r"`(--[a-z-]+)", text):
        assert option in known, option


def test_the_page_of_recipes_knows_them():
    page = (ROOT / "docs" / "recipes.md").read_text()
    assert sorted(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == catalog.names("recipe")


def test_the_readme_is_short_and_leads_to_every_page():
    text = PAGES[0].read_text()
    assert len(text.splitlines()) <= 180
    for page in PAGES[1:]:
        folder = page.parent  # of which docs/ is led to by README, and others by an index of their own
        if folder == ROOT / "docs":
            assert f"(docs/{page.name})" in text, page
        elif page.name == "index.md":
            assert f"(docs/{folder.name}/index.md)" in text, page
        else:
            assert f"({page.name})" in (folder / "index.md").read_text(), page


@pytest.mark.parametrize("each", EXERCISES, ids=lambda each: each.name)
def test_every_exercise_has_its_chapter(each):
    """Its number stands in the chapter and its line of the course's table, and the title of the page in its file."""
    chapter = (ROOT / "docs" / "course" / f"{each.chapter}.md").read_text()
    assert f"`ganvas learn {each.number}`" in chapter
    (row,) = re.findall(rf"^\| .*\({each.chapter}\.md\).*$", (ROOT / "docs/course/index.md").read_text(), re.MULTILINE)
    assert str(each.number) in re.findall(r"\d+", row.split("|")[3])
    assert f"Chapter: {chapter.splitlines()[0].removeprefix('# ').rstrip('?')}" in each.begun


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "course").glob("*.md")), ids=lambda page: page.stem)
def test_every_picture_of_the_course_is_of_a_program_that_is_named(page):
    text = page.read_text()
    for name in re.findall(r"docs_src/([\w/]+\.py)", text):
        assert (ROOT / "docs_src" / name).exists(), name
    programs = {Path(name).stem for name in re.findall(r"docs_src/([\w/]+)\.py", text)}
    assert set(re.findall(r"pictures/(\w+)\.png", text)) <= programs


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md"], ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        assert "://" in target or (page.parent / target).exists(), target


def test_the_walk_goes_by_every_line_of_the_readme():
    """But for what never ends or runs the walk; shortened, a line is still of the commands there are."""
    done = [code for kind, code in steps(PAGES[0].read_text()) if kind == "sh"]
    assert not [line for line in done if not re.match(r"(ganvas|pip|python) ", line)]
    assert all(re.search(r"--minutes \.05", shortened(line)) for line in done if "--minutes" in line)
    for line in done:
        for name, *words in commands(shortened(line)):
            COMMAND.commands[name].make_context(name, words)


@pytest.mark.parametrize("page", PAGES[1:], ids=lambda page: page.stem)
def test_the_walk_goes_by_every_line_of_docs_or_says_why_not(page):
    """In blocks without a language all lines are for a terminal: what is none of them is ```text."""
    for kind, line in steps(page.read_text(), ELSEWHERE):
        for name, *words in commands(quick(line)) if kind == "sh" else []:
            COMMAND.commands[name].make_context(name, words)
        assert kind == "python" or line.startswith("ganvas "), f"walk.py does not do {line}: name it in ELSEWHERE"


@pytest.mark.parametrize("part", ELSEWHERE)
def test_what_the_walk_leaves_to_others_is_there_and_so_are_they(part):
    told = "".join(page.read_text() for page in PAGES[1:])
    assert any(part in code for _, code in lines(told)), f"no line of docs/ has {part}: forget it"
    assert (ROOT / ELSEWHERE[part].rpartition(": ")[2]).exists()


def test_extras_that_pages_name_are_there():
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for page in [*PAGES, ROOT / "CONTRIBUTING.md"]:
        for extras in re.findall(r"pip install [^`\n]*?(?:\.|ganvas)\[([\w,-]+)\]", page.read_text()):
            assert set(extras.split(",")) <= set(known), f"{page.name}: {extras}"


def test_a_loss_in_ten_minutes(tmp_path):
    """What CONTRIBUTING writes passes the tests that it names."""
    page = ROOT / "CONTRIBUTING.md"
    (code,) = blocks(page, "python")
    (tmp_path / "mine.py").write_text(code)
    (line,) = [line for text in blocks(page, "") for line in text.splitlines() if "tests/test_contracts.py" in line]
    words = shlex.split(line.partition("scripts/test ")[2])
    environment = {**os.environ, "GANVAS_PARTS": str(tmp_path / "mine.py")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 4, done.stdout


def test_the_version_is_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "ganvas.core.version.__version__"}


def test_the_tree_in_the_readme_is_the_house():
    told = re.findall(r"^    (\w+)/ ", PAGES[0].read_text(), re.MULTILINE)
    assert told == [room for room in ROOMS if (ROOT / "src" / "ganvas" / room / "__init__.py").exists()]
