"""A training's report on one page: report.html, made from the run folder alone.

The page needs no network and no other file. Its template, with style and a small script, is report.html beside this
file; the parts that differ from run to run are made here. All outside text is escaped before it is inserted, as file
names and class names are untrusted.
"""

import base64
import html
import io
import json
import shlex
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from PIL import Image

from ..core import files, pixels
from ..core.errors import GanvasError, NotFound, PassedOver, Unreadable
from ..metrics.score import better, gathered_notes
from . import curves, evaluations
from .diagnosis import Diagnosis
from .doctor import FEWEST, diagnoses, good_news, recipe_of
from .mends import Mend, mend_of
from .rescues import rescues
from .run import Run, no_run

__all__ = ["write"]

SHEETS = 40  # at most, on the slider
SHEETS_BYTES = 5_000_000  # of all sheets together, before base64 adds a third
SKIPPED = 1000  # at most, of the skipped files that are listed


def write(run_folder: Path) -> Path:
    """Write `report.html` into a run folder, atomically, and return its path.

    A run that has just begun, has no samples yet or was interrupted in the middle of a line still gets a valid page.

    Raises:
        NotFound: the folder holds no run.
        Unreadable: neither run.json nor recipe.json can be read.
    """
    run, recipe = (_object(run_folder, name) for name in ("run.json", "recipe.json"))
    faults = Run(run_folder).faults
    if not run and not recipe:
        what = " ".join(faults) or no_run(run_folder, "it has neither a run.json nor a recipe.json")
        raise Unreadable(what) if faults else NotFound(what)
    run = _well_typed(run)
    for fault in faults:
        warnings.warn(f"{fault} The report shows what is left.", PassedOver, stacklevel=2)
    rows = Run(run_folder).rows
    end = max(rows[-1]["images"], 1) if rows else 1
    told = (run.get("data") or {}).get("count")
    count = told if isinstance(told, int) else None
    charts = curves.charts(rows, epoch=count or 0)
    sheets = files.numbered(run_folder / "samples")
    film = _film(sheets)
    data = {
        "end": end,
        "charts": [[{"images": line.images, "values": line.values} for line in chart.lines] for chart in charts],
        "sheets": [{"images": images, "source": source} for images, source in film],
    }
    name = run_folder.resolve().name
    page = Template(Path(__file__).with_suffix(".html").read_text(encoding="utf-8")).substitute(
        title=_text(name),
        kicker=_kicker(run),
        state=_state(rows, recipe),
        health=_trouble(run, [*faults, Run(run_folder).damage]) + _health(rows, count, recipe, run.get("from")),
        samples=_samples(sheets, film)
        + _moving(run_folder / "samples" / "newest.gif")
        + _reconstructions(files.numbered(run_folder / "samples" / "reconstructions")),
        charts=_curves(charts, end),
        evaluations=_evaluations(evaluations.latest(run_folder)),
        settings=_settings(recipe),
        facts=_facts(run),
        commands=_commands(run_folder, run),
        footer=f"Written by Ganvas {_text(run.get('ganvas', ''))} from the files in the run's folder.",
        data=json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
    )
    path = run_folder / "report.html"
    files.write(path, page.encode(errors="replace").decode())  # file names may hold bytes that are not UTF-8
    return path


def _object(run_folder: Path, name: str) -> dict[str, Any]:
    """The content of a run's JSON file; empty if it is missing or damaged, as the page shows what there is."""
    try:
        return Run(run_folder).read(name)
    except (NotFound, Unreadable):
        return {}


def _well_typed(run: Mapping[str, Any]) -> dict[str, Any]:
    """The content of run.json without values of types that the page cannot show."""
    data, machine, counts = (_mapping(run.get(name)) for name in ("data", "machine", "parameters"))
    lists = {name: data[name] for name in ("shape", "classes", "skipped") if isinstance(data.get(name), list)}
    lists["skipped"] = [each for each in lists.get("skipped", []) if isinstance(each, list) and len(each) == 2]
    return {name: value for name, value in run.items() if not isinstance(value, dict | list)} | {
        "started": str(run.get("started") or ""),
        "rescues": run.get("rescues"),  # checked by their reader
        "mended": run.get("mended"),
        "data": {"count": data.get("count")} | lists,
        "machine": machine,
        "parameters": {name: count for name, count in counts.items() if isinstance(count, int)},
    }


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return html.escape(str(value))


def _kicker(run: Mapping[str, Any]) -> str:
    words = ["Training report", run.get("source"), (run.get("started") or "")[:16].replace("T", " ")]
    return " · ".join(_text(word) for word in words if word)


def _state(rows: list[dict[str, Any]], recipe: Mapping[str, Any]) -> str:
    if not rows:
        return "Nothing has been logged yet."
    images, seconds = rows[-1]["images"], curves.number(rows[-1].get("seconds")) or 0.0
    pace = images / seconds if seconds else 0.0
    speed = f", {pace:,.0f} images/s" if pace >= 10 else f", {pace:.2g} images/s" if pace else ""
    wanted, state = curves.number(recipe.get("images")), ""
    if wanted and images >= wanted:
        state = " Finished."
    elif wanted:
        state = f" Not finished: {images / wanted:.0%} of its {wanted:,.0f} images."
    return f"{images:,} images in {_duration(seconds)} of training{speed}.{state}"


def _health(rows: list[dict[str, Any]], samples: int | None, held: Mapping[str, Any], start_from: str | None) -> str:
    recipe = recipe_of(held)
    found = diagnoses(rows, samples=samples, recipe=recipe, start_from=start_from)
    if found:
        return f'<ul class="complaints">{"".join(f"<li>{_diagnosis(each)}</li>" for each in found)}</ul>'
    if len(rows) < FEWEST:
        return ""
    return f"<p>Nothing in its log looks wrong. {_text(good_news(rows, recipe=recipe) or '')}</p>"


def _diagnosis(found: Diagnosis) -> str:
    advice = f" Try <code>{_text(found.option)}</code>." if found.setting else ""
    return f"{_text(found.text)}{advice}"


def _trouble(about: Mapping[str, Any], faults: Sequence[str]) -> str:
    """Damaged files, and divergence or advice taken, with what was done."""
    ended, mend = about.get("diverged"), _mended(about)
    said = [*faults, *map(str, rescues(about)), str(mend or ""), ended if isinstance(ended, str) else ""]
    said = [each for each in said if each]
    return f'<ul class="complaints">{"".join(f"<li>{_text(each)}</li>" for each in said)}</ul>' if said else ""


def _mended(about: Mapping[str, Any]) -> Mend | None:
    with suppress(GanvasError):  # the earlier recipe is of another version
        return mend_of(about)
    return None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    shown = [f"{number} {unit}" for number, unit in parts if number][:2]
    return " ".join(shown) or "0 s"


def _evaluations(found: Sequence[evaluations.Evaluation]) -> str:
    """The newest evaluation of each kind: its figures, beside what determined them; empty if there is none."""
    if not found:
        return ""
    return "<h2>Evaluations</h2>" + "".join(map(_evaluation, reversed(found)))


def _evaluation(found: evaluations.Evaluation) -> str:
    rows = ""
    for name, score in found.scores.items():
        error = "" if score.error is None else f"± {score.error:.2g}"
        rows += f'<tr><th scope="row">{_text(name)}</th><td>{score.value:.4g}</td><td>{error}</td>'
        rows += f"<td>{better(name)}</td></tr>"
    notes = ""
    for note, names in gathered_notes(found.scores).items():
        notes += f"<li><b>{_text(', '.join(names))}:</b> {_text(note)}.</li>"
    columns = "".join(f'<th scope="col">{column}</th>' for column in ("Figure", "Value", "Error", "Better"))
    figures = f'<table class="figures"><thead><tr>{columns}</tr></thead><tbody>{rows}</tbody></table>'
    figures += f'<ul class="notes quiet">{notes}</ul>' if notes else ""
    made_by = _table([("date", found.date.replace("T", " ")), *_flat(found.about, "")])
    images = found.about.get("images")
    after = f", after {images:,} images" if isinstance(images, int) else ""
    return (
        f"<h3>Against {_text(found.about.get('real'))}{after}</h3>"
        f'<div class="tables"><section>{figures}</section><section>{made_by}</section></div>'
    )


def _settings(recipe: Mapping[str, Any]) -> str:
    """The recipe as tables, one for each top-level setting that has more than one line."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, value in _flat(recipe, ""):
        groups.setdefault(name.partition(".")[0], []).append((name, value))
    alone = [row for rows in groups.values() if len(rows) == 1 for row in rows]
    tables = [_table(alone)] if alone else []
    tables += [_table(rows) for rows in groups.values() if len(rows) > 1]
    if not tables:
        return '<p class="quiet">The recipe of this run is not in its folder.</p>'
    return f'<div class="tables">{"".join(f"<section>{table}</section>" for table in tables)}</div>'


def _flat(value: object, name: str) -> Iterator[tuple[str, str]]:
    """Nested settings as (dotted name, text); a part's name is the value of the setting that holds the part."""
    if isinstance(value, Mapping) and (value or not name):
        for key, inner in value.items():
            if key != "part":
                yield from _flat(inner, f"{name}.{key}".lstrip("."))
            elif name:
                yield name, str(inner)
    elif isinstance(value, list) and any(isinstance(inner, Mapping | list) for inner in value):
        for index, inner in enumerate(value):
            yield from _flat(inner, f"{name}.{index}".lstrip("."))
    elif isinstance(value, list):
        yield name, ", ".join(map(str, value)) or "none"
    else:
        yield name, "none" if value is None or value == {} else value if isinstance(value, str) else json.dumps(value)


def _table(rows: list[tuple[str, str]]) -> str:
    cells = ""
    for name, value in rows:
        breakable = _text(name).replace(".", ".<wbr>")
        cells += f'<tr><th scope="row">{breakable}</th><td>{_text(value)}</td></tr>'
    return f"<table><tbody>{cells}</tbody></table>"


def _facts(run: Mapping[str, Any]) -> str:
    """What it trained on and where: data, sizes of the networks, machine, and skipped files."""
    data, machine = run.get("data") or {}, run.get("machine") or {}
    classes = [str(each) for each in data.get("classes") or []]
    named = ", ".join(classes[:40]) + (f" and {len(classes) - 40} more" if len(classes) > 40 else "")
    shape = data.get("shape")
    about_data = {
        "Source": run.get("source"),
        "Samples": f"{data['count']:,}" if isinstance(data.get("count"), int) else None,
        "Shape": " × ".join(map(str, shape)) if shape else None,
        f"Classes ({len(classes)})": named,
    }
    about_data |= {f"Parameters of the {name}": f"{count:,}" for name, count in (run.get("parameters") or {}).items()}
    about_data |= {"Seed": run.get("seed"), "Started from the weights of": run.get("from"), "Stage": run.get("stage")}
    about_machine = {
        name.removesuffix("_gib").replace("_", " ").capitalize(): f"{value} GiB" if name.endswith("_gib") else value
        for name, value in machine.items()
    }
    tables = ""
    for title, facts in (("Data", about_data), ("Machine", about_machine)):
        known = [(name, str(value)) for name, value in facts.items() if value not in (None, "")]
        tables += f"<section><h3>{title}</h3>{_table(known)}</section>" if known else ""
    return f'<div class="tables">{tables}</div>{_skipped(data.get("skipped") or [])}'


def _skipped(skipped: Sequence[Sequence[str]]) -> str:
    if not skipped:
        return ""
    first = skipped[:SKIPPED]
    cells = (f"<tr><td><bdi>{_text(file)}</bdi></td><td>{_text(reason)}</td></tr>" for file, reason in first)
    more = f"<p>… and {len(skipped) - SKIPPED:,} more.</p>" if len(skipped) > SKIPPED else ""
    return (
        f"<details><summary>{len(skipped):,} {'file was' if len(skipped) == 1 else 'files were'} skipped</summary>"
        '<table><thead><tr><th scope="col">File</th><th scope="col">Reason</th></tr></thead>'
        f"<tbody>{''.join(cells)}</tbody></table>{more}</details>"
    )


def _commands(run_folder: Path, about: Mapping[str, Any]) -> str:
    place, here = run_folder.resolve(), Path.cwd()
    run = shlex.quote(str(place.relative_to(here) if place != here and place.is_relative_to(here) else place))
    clips = len((about.get("data") or {}).get("shape") or ()) == 4
    new = "--count 9 --seed 7 --out clips.gif" if clips else "--count 25 --seed 7 --out grid.png"
    commands = {
        "Continue the training from where it stopped:": f"ganvas train {run}",
        "Draw new clips:" if clips else "Draw new pictures:": f"ganvas sample {run} {new}",
        "Make a film of the training:": f"ganvas film {run}",
        "Measure how good it is, for this page and the terminal:": f"ganvas evaluate {run}",
    }
    return "".join(f"<p>{what}</p><pre><code>{_text(command)}</code></pre>" for what, command in commands.items())


def _film(sheets: list[tuple[int, Path]]) -> list[tuple[int, str]]:
    """(images, picture as a data URL) of evenly spaced sheets, as small as the size limit requires."""
    picked = [sheets[round(index)] for index in np.linspace(0, len(sheets) - 1, min(SHEETS, len(sheets)))]
    pictures = [(images, picture) for images, path in picked if (picture := _read(path))]
    codes: list[bytes] = []
    for side, quality in ((640, 82), (512, 70), (384, 60), (192, 50)):
        codes = [_webp(picture, side, quality) for _, picture in pictures]
        if sum(map(len, codes)) <= SHEETS_BYTES:
            break
    return [(images, _address(code, "webp")) for (images, _), code in zip(pictures, codes, strict=True)]


def _read(path: Path) -> Image.Image | None:
    """The picture, scaled to at most 640 pixels a side; None, with a warning, if it is damaged."""
    picture = pixels.read_sheet(path)
    if picture is None:
        warnings.warn(f"The sheet {path} is damaged and left out.", PassedOver, stacklevel=2)
        return None
    picture.thumbnail((640, 640), Image.Resampling.LANCZOS)
    return picture


def _webp(picture: Image.Image, side: int, quality: int) -> bytes:
    smaller, buffer = picture.copy(), io.BytesIO()
    smaller.thumbnail((side, side), Image.Resampling.LANCZOS)
    smaller.save(buffer, "WEBP", quality=quality)
    return buffer.getvalue()


def _address(code: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(code).decode('ascii')}"


def _samples(sheets: list[tuple[int, Path]], film: list[tuple[int, str]]) -> str:
    """The last sheet at full size, beside a slider through all of them."""
    if not film:
        return '<p class="quiet">There are no samples yet.</p>'
    images, last = film[-1]
    path = dict(sheets)[images]
    with Image.open(path) as opened:
        width, height = opened.size
    if path.stat().st_size <= SHEETS_BYTES // 3:
        last = _address(path.read_bytes(), "png")
    seen = f"After {images:,} images"
    basis = "100%" if width > 700 else "22rem"
    final = (
        f'<figure style="flex: 1 1 {basis}; max-width: {width}px">'
        f'<img src="{last}" width="{width}" height="{height}" alt="{seen}: samples from fixed seeds">'
        f"<figcaption><b>{seen}.</b> The last samples of the run, from fixed seeds; none is picked by hand."
        "</figcaption></figure>"
    )
    if len(film) == 1:
        return f'<div class="samples">{final}</div>'
    images, first = film[0]
    return (
        f'<div class="samples">{final}<figure style="flex: 1 1 22rem; max-width: {width}px">'
        f'<img id="sheet" src="{first}" width="{width}" height="{height}" '
        f'alt="After {images:,} images: samples from the same seeds">'
        '<div class="player"><button type="button" id="play">Play</button>'
        f'<input type="range" id="slider" min="0" max="{len(film) - 1}" value="0" autocomplete="off" '
        f'aria-label="Moment of the training"><output id="seen" for="slider">{images:,} images</output></div>'
        "<figcaption><b>The same seeds, over time.</b> Each position shows the same seed throughout."
        "</figcaption></figure></div>"
    )


def _moving(path: Path) -> str:
    """The newest clips as an animation; empty if the samples are no clips."""
    if not path.exists() or path.stat().st_size > SHEETS_BYTES:
        return ""
    return (
        f'<figure><img src="{_address(path.read_bytes(), "gif")}" alt="The newest clips, moving">'
        "<figcaption><b>The newest clips</b>, from the same seeds as the rows of the sheet.</figcaption></figure>"
    )


def _reconstructions(sheets: list[tuple[int, Path]]) -> str:
    """The last sheet of originals above their reconstructions; empty if there is none."""
    picture = _read(sheets[-1][1]) if sheets else None
    if picture is None:
        return ""
    width, height = picture.size
    seen = f"After {sheets[-1][0]:,} images"
    return (
        f'<div class="samples"><figure style="flex: 0 1 {width}px">'
        f'<img src="{_address(_webp(picture, 640, 82), "webp")}" width="{width}" height="{height}" '
        f'alt="{seen}: originals above their reconstructions">'
        f"<figcaption><b>{seen}.</b> Samples taken evenly from the data, each with its reconstruction below it."
        "</figcaption></figure></div>"
    )


def _curves(charts: list[curves.Chart], end: int) -> str:
    if not charts:
        return '<p class="quiet">There are no curves yet.</p>'
    return (
        '<p class="quiet note">Faint lines are the logged values, strong lines their moving average. '
        "To read the values at any moment, point at a chart, or focus it and use the arrow keys.</p>"
        f'<div class="charts">{"".join(curves.draw(chart, end) for chart in charts)}</div>'
    )
