"""The pages of the site that are not files of docs/; mkdocs.yml names this as a hook.

    README.md, LOG.md, CHANGELOG.md, CONTRIBUTING.md, the card of `icons`   pages
    docs_src/                                                               programs.md
    the catalogue                                                           catalogue.md: every recipe as it is
    docstrings                                                              api/: a page for each room
    the model `icons` as a web page                                         demo/icons.html, shown on the first page

So recipes and API are always up to date, and nothing is written twice. GANVAS_DEMO=no leaves out the web page, which
takes a minute and 37 MB.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

import ganvas
from ganvas.core import catalog

ROOT = Path(__file__).parents[1]
PAGES = {
    "index.md": "README.md",
    "log.md": "LOG.md",
    "changelog.md": "CHANGELOG.md",
    "contributing.md": "CONTRIBUTING.md",
    "card.md": "src/ganvas/models/pretrained/icons/README.md",
}
"""Pages of the site -> the files of the repository that they show."""

DEMO = """
<div class="demo" markdown="0">
<button type="button">Draw something here</button>
<p>The model that comes along, as one web page: it loads 37 MB and then draws by itself, without a server.</p>
</div>
<script>
document.querySelector(".demo button").onclick = event => {
  const page = document.createElement("iframe")
  page.src = "demo/icons.html#words=house"
  page.title = "The model icons draws"
  event.target.parentElement.replaceChildren(page)
}
</script>
"""


def demo_wanted() -> bool:
    """Whether the first page shows the model."""
    return os.environ.get("GANVAS_DEMO", "yes") != "no"


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that are not files of docs/."""
    made = {path: (ROOT / source).read_text() for path, source in PAGES.items()}
    made["card.md"] = "# The model `icons`\n\n" + made["card.md"]
    made |= {"programs.md": programs(), "catalogue.md": catalogue()} | dict(api())
    for path, text in made.items():
        files.append(File.generated(config, path, content=relinked(text, PAGES.get(path, f"docs/{path}"), path)))
    _complete(config["nav"], files)
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:  # noqa: ARG001
    """Redirect links out of docs/ to the pages made from their targets, and link pictures to themselves."""
    path = page.file.src_uri
    if page.file.generated_by is None:
        markdown = relinked(markdown, f"docs/{path}", path)
    if path == "index.md":
        markdown = re.sub(r"^\| \[docs/.*", _titled, markdown, flags=re.MULTILINE)
        if demo_wanted():
            first = markdown.index("\n![")
            markdown = markdown[:first] + DEMO + markdown[first:]
    return re.sub(r"^(!\[[^\]]*\]\(([^)]+)\))$", r"[\1](\2)", markdown, flags=re.MULTILINE)  # a picture opens alone


def on_post_build(config: Any) -> None:
    """Write the model as a web page next to the others."""
    if demo_wanted():
        out = Path(config["site_dir"]) / "demo" / "icons.html"
        subprocess.run([sys.executable, "-m", "ganvas", "export", "icons", "--out", str(out)], check=True)


def relinked(text: str, source: str, page: str) -> str:
    """A page's text with its links redirected to pages of the site.

    Args:
        text: in Markdown.
        source: the file that the text is from, relative to the repository's root; its links are relative to it.
        page: the page that it becomes.
    """
    homes = {file: made for made, file in PAGES.items()}
    up = "../" * page.count("/")

    def led(found: re.Match[str]) -> str:
        words, (target, _, anchor) = found[1], found[2].partition("#")
        if "://" in target or not target:
            return found[0]
        file = os.path.normpath(Path(source).parent / target)
        if file.startswith("docs_src"):
            target, anchor = up + "programs.md", _anchor(file) if file.endswith(".py") else ""
        elif file in homes:
            target = up + homes[file]
        elif file.startswith("docs/"):
            target = up + file.removeprefix("docs/")
        elif (ROOT / file).exists():  # a file of the repository that is not a page
            return words if words == file else f"{words} (`{file}`)"
        return f"[{words}]({target}{'#' + anchor if anchor else ''})"

    return re.sub(r"\[([^\[\]]*)\]\(([^)\s]+)\)", led, text)


def programs() -> str:
    """The source of every program of docs_src."""
    text = "# Programs\n\nThey are in `docs_src/`, and the tests run all of them.\n"
    for file in sorted((ROOT / "docs_src").rglob("*.py")):
        path = file.relative_to(ROOT)
        text += f"\n## {path} {{#{_anchor(str(path))}}}\n\n```python\n{file.read_text()}```\n"
    return text


def catalogue() -> str:
    """Every recipe as `ganvas show` prints it."""
    text = "# Every recipe, as `ganvas show` tells it\n"
    for name in catalog.names("recipe"):
        others = "|".join(kind for kind in catalog.KINDS if kind != "recipe")
        told = re.split(rf"\n\n(?:{others}) {name}\n", catalog.describe(name).removeprefix(f"recipe {name}\n"))[0]
        text += f'\n## {name}\n\n<div class="wrapped" markdown>\n\n```\n{told.strip()}\n```\n\n</div>\n'
    return text


def api() -> Iterator[tuple[str, str]]:
    """A page for the names that `import ganvas` provides, and one for each room."""
    rooms = "\n".join(f"- [`ganvas.{room}`]({room}.md): {_gist(room)}" for room in ganvas.ROOMS)
    front = "\n".join(f"- [`ganvas.{name}`][ganvas.{home}.{name}]" for name, home in sorted(ganvas._HOMES.items()))
    yield (
        "api/index.md",
        f"# API\n\n`import ganvas` gives what is below; the rooms behind it are\n\n{rooms}\n\n{front}\n",
    )
    for room in ganvas.ROOMS:
        folder = ROOT / "src" / "ganvas" / room
        modules = [
            ".".join(file.relative_to(ROOT / "src").with_suffix("").parts)
            for file in sorted(folder.rglob("*.py"))
            if file.stem not in {"__init__", "__main__"}
        ]
        yield f"api/{room}.md", f"# ganvas.{room}\n\n{_gist(room)}\n\n" + "\n\n".join(f"::: {name}" for name in modules)


def _gist(room: str) -> str:
    """The first paragraph of a room's docstring."""
    text = (ROOT / "src" / "ganvas" / room / "__init__.py").read_text()
    return " ".join(text.removeprefix('"""').partition("\n\n")[0].split())


def _titled(row: re.Match[str]) -> str:
    """A row of README's table of pages, with the pages' titles instead of their file names."""

    def title(link: re.Match[str]) -> str:
        heading = (ROOT / "docs" / link[1]).read_text().partition("\n")[0].removeprefix("# ")
        return f"[{heading}]({link[1]})"

    return re.sub(r"\[docs/[^\]]*\]\(([^)]+)\)", title, row[0].replace("), [", ")<br>["))


def _anchor(path: str) -> str:
    return re.sub(r"\W+", "-", path.removesuffix(".py"))


def _complete(nav: list[dict[str, Any]], files: Files) -> None:
    """Add pages of docs/ that the navigation does not name to the end of the guides, and the rooms below the API."""
    listed = re.findall(r"[\w/-]+\.md", str(nav))
    for entry in nav:
        if "Guides" in entry:
            entry["Guides"] += [
                each.src_uri for each in files.documentation_pages()
                if each.src_uri not in listed and not each.src_uri.startswith("api/")
            ]  # fmt: skip
        if isinstance(entry.get("API"), str):
            entry["API"] = ["api/index.md", *(f"api/{room}.md" for room in ganvas.ROOMS)]
