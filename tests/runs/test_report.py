"""The page of a run: complete, self-contained, safe with hostile names, valid however little there is to show."""

import json
import re
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganvas.core.errors import GanvasError, PassedOver, Unreadable
from ganvas.metrics.score import Score
from ganvas.runs import curves, evaluations, report
from ganvas.runs.doctor import diagnoses
from ganvas.runs.run import Run

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&$name.png"
VOID = {"meta", "img", "input", "wbr", "path", "line", "br"}


class Page(HTMLParser):
    """Reads a page, insists that its tags close one another, and keeps what a test may ask for."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.open, self.tags, self.text = [], [], []
        self.feed(self.source)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())

    @property
    def data(self):
        return json.loads(re.search(r'id="data">(.*?)</script>', self.source, re.DOTALL)[1])


def make_run(folder: Path, *, rows: int = 120, sheets: int = 5, size: int = 40, **run) -> Path:
    """A small run folder, as run.py writes it."""
    (folder / "samples").mkdir(parents=True)
    dice = np.random.default_rng(0)
    for index in range(sheets):
        picture = dice.integers(0, 256, (size, size, 3), dtype=np.uint8)
        Image.fromarray(picture).save(folder / "samples" / f"{index * 1600:09d}.png")
    log = ""
    for index in range(1, rows + 1):
        terms = {"critic.loss": 1 / index, "critic.real": 0.5, "critic.fake": -0.5, "critic.r1": 0.01 + 0.001 * index}
        terms |= {"generator.loss": 0.7}
        row = {"images": 64 * index, "seconds": 0.25 * index, "images_per_second": 256.0, "terms": terms}
        if index % 40 == 0:
            row["scores"] = {"fd-statistics": 9.0 - index / 40}
        log += json.dumps(row) + "\n"
    (folder / "log.jsonl").write_text(log)
    generator = {"part": "dcgan_generator", "width": 64}
    recipe = {"part": "recipe", "networks": {"generator": generator}, "batch": 64, "images": 64 * max(rows, 1)}
    (folder / "recipe.json").write_text(json.dumps(recipe | {"bfloat16": [], "average": None}))
    run = {
        "ganvas": "0.1.0",
        "seed": 7,
        "minutes": None,
        "source": "icons:portraits",
        "started": "2025-06-01T12:34:56",
        "machine": {"processor": "an abacus", "cores": 2, "threads": 1, "memory_gib": 15.6},
        "data": {"count": 2731, "shape": [3, 32, 32], "classes": ["cat", "dog"], "skipped": []},
        "parameters": {"generator": 1234567},
    } | run
    if run["data"]:
        run["data"] = {"shape": [3, 32, 32], "classes": []} | run["data"]
    (folder / "run.json").write_text(json.dumps(run))
    return folder


def test_a_run_is_told_in_full(tmp_path):
    page = Page(report.write(make_run(tmp_path / "portraits", data={"count": 2731, "skipped": [["a.tif", "16 bits"]]})))
    for words in (
        "7,680 images in 30 s of training, 256 images/s. Finished.",
        "networks.generator dcgan_generator",
        "1,234,567",
        "an abacus",
        "15.6 GiB",
        "1 file was skipped",
        "16 bits",
        "Seed 7",
        "fd-statistics",
        "Lower is better",
        "ganvas sample",
    ):
        assert words.replace(" ", "") in page.words.replace(" ", ""), words
    titles = [chart.title for chart in curves.charts(Run(tmp_path / "portraits").rows)]
    assert titles == ["Losses", "Scores of the critic on real and fake", "Penalties", "fd-statistics"]
    assert len(page.all("svg")) == len(page.data["charts"]) == 4


def evaluate(run: Path, real: str, features: str, value: float, **about) -> None:
    about |= {"fake": run.name, "real": real, "features": features, "weights_sha256": "57934424"}
    note = "biased upwards"
    scores = {"fid": Score(value, 0.25, {"real": 9}, (note,)), "kid": Score(0.5, None, {}, (note,))}
    evaluations.keep(run, about, scores)


def test_the_newest_evaluation_of_each_kind_is_shown_with_what_made_it(tmp_path):
    run = make_run(tmp_path / "portraits")
    assert "Evaluations" not in Page(report.write(run)).words
    evaluate(run, "icons", "inception", 41.0, images=6400)
    evaluate(run, "flags", "inception", 77.5)
    evaluate(run, "icons", "inception", 39.5, images=7680)
    evaluate(run, "icons", HOSTILE, 3.25)
    words = Page(report.write(run)).words
    assert words.count("Against") == 3
    assert "Against icons, after 7,680 images" in words
    for shown in ("39.5± 0.25lower", "77.5", "3.25", "fid, kid: biased upwards", "57934424", HOSTILE):
        assert shown in words
    assert "41± " not in words
    assert words.index("Against icons") < words.index("Against flags"), "the newest comes first"


def test_evaluations_that_end_at_once_are_all_kept(tmp_path):
    run = make_run(tmp_path / "portraits")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: evaluate(run, f"set {number}", "inception", number), range(12)))
    assert {found.about["real"] for found in evaluations.latest(run)} == {f"set {number}" for number in range(12)}


def test_evaluations_that_cannot_be_read_are_left_out(tmp_path):
    run = make_run(tmp_path / "portraits")
    evaluate(run, "icons", "inception", 39.5)
    file = run / "evaluations.jsonl"
    line = json.loads(file.read_text().splitlines()[1])
    broken = ["", "[]", "{", json.dumps(line | {"scores": {"fid": 3}}), json.dumps(line | {"scores": [1]})]
    file.write_text("\n".join([*broken, json.dumps(line)[:-9]]))
    evaluate(run, "flags", "inception", 1.5)
    with pytest.warns(PassedOver, match=r"evaluations.jsonl 5 lines are damaged"):
        words = Page(report.write(run)).words
    assert words.count("Against") == 1, "after a line that was cut off begins a new one"
    assert "Against flags" in words


def test_the_page_needs_nothing_but_itself(tmp_path):
    page = Page(report.write(make_run(tmp_path / "portraits")))
    assert "://" not in page.source
    assert not page.all("link")
    for _, attributes in page.tags:
        assert not {"href", "srcset", "action", "xlink:href"} & attributes.keys()
        assert attributes.get("src", "data:image/").startswith("data:image/")
    assert "default-src 'none'" in page.source
    assert list(tmp_path.rglob(".*")) == []


def test_everything_can_be_read_without_seeing_or_pointing(tmp_path):
    page = Page(report.write(make_run(tmp_path / "portraits")))
    assert all(attributes["alt"] for attributes in page.all("img"))
    assert all("ends at" in attributes["aria-label"] for attributes in page.all("svg"))
    (slider,) = page.all("input")
    assert slider["type"] == "range"
    assert slider["aria-label"]
    assert page.all("html")[0]["lang"] == "en"


@pytest.mark.parametrize("scheme", [0, 1])
def test_colours_have_contrast(scheme):
    blocks = re.findall(r":root \{(.*?)\}", Path(report.__file__).with_suffix(".html").read_text(), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): #(\w{6})", blocks[scheme]))

    def luminance(name):
        channels = np.frombuffer(bytes.fromhex(colours[name]), np.uint8) / 255
        return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4) @ [
            0.2126,
            0.7152,
            0.0722,
        ]

    def contrast(one, other):
        light, dark = sorted((luminance(one), luminance(other)), reverse=True)
        return (light + 0.05) / (dark + 0.05)

    for ground in ("paper", "wash"):
        for ink in ("ink", "quiet"):
            assert contrast(ink, ground) >= 4.5
    for ink in ("control", *(f"line-{index}" for index in range(6))):
        assert contrast(ink, "paper") >= 3


@pytest.mark.filterwarnings("ignore::ganvas.core.errors.PassedOver")
def test_hostile_words_stay_words(tmp_path):
    folder = make_run(
        tmp_path / "a<b>&'\"$x",
        rows=0,
        source=HOSTILE,
        started=HOSTILE,
        machine={HOSTILE: HOSTILE},
        parameters={HOSTILE: 3},
        data={"count": 1, "classes": [HOSTILE], "skipped": [[HOSTILE, HOSTILE], ["\udcff.png", "\u202ereversed"]]},
    )
    (folder / "recipe.json").write_text(json.dumps({HOSTILE: {"part": HOSTILE, "text": HOSTILE}}))
    rows = [{"images": i, "terms": {HOSTILE: i, f"{HOSTILE}.loss": i}, "scores": {HOSTILE: i}} for i in (1, 2)]
    (folder / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    page = Page(report.write(folder))
    assert len(page.all("script")) == 2
    assert {tag for tag, _ in page.tags if tag == "img"} == {"img"}
    assert not any("onerror" in attributes for _, attributes in page.tags)
    assert page.words.count("onerror=alert(1)") >= 8
    assert "<title>a&lt;b&gt;" in page.source


@pytest.mark.parametrize("missing", ["log.jsonl", "recipe.json", "run.json", "samples"])
def test_a_part_may_be_missing(tmp_path, missing):
    folder = make_run(tmp_path / "portraits")
    (folder / missing).rename(tmp_path / "elsewhere")
    assert Page(report.write(folder)).words


@pytest.mark.filterwarnings("ignore::ganvas.core.errors.PassedOver")
def test_a_run_that_has_only_begun(tmp_path):
    page = Page(
        report.write(make_run(tmp_path / "portraits", rows=0, sheets=0, data=None, machine=None, parameters=None))
    )
    assert "Nothing has been logged yet." in page.words
    assert page.data == {"end": 1, "charts": [], "sheets": []}


def test_one_row_and_one_sheet(tmp_path):
    page = Page(report.write(make_run(tmp_path / "portraits", rows=1, sheets=1)))
    assert not page.all("input")
    assert len(page.all("svg")) == 3


def test_what_is_not_finite_breaks_the_line_and_is_told(tmp_path):
    folder = make_run(tmp_path / "portraits")
    log = (folder / "log.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in log]
    rows[60]["terms"]["critic.loss"] = None
    rows[61]["terms"] = None
    lines = [json.dumps(row) for row in rows]
    lines[70] = lines[70].replace('"critic.r1": ', '"critic.r1": NaN, "critic.r2": Infinity, "old": ')
    (folder / "log.jsonl").write_text("\n".join(lines) + '\n{"images": 9999, "ter')
    page = Page(report.write(folder))
    assert "1 value was not finite; the line breaks there." in page.words
    assert "NaN" not in json.dumps(page.data["charts"])
    assert "not finite" in next(each["aria-label"] for each in page.all("svg") if "Penalties" in each["aria-label"])


def test_every_value_may_be_missing(tmp_path):
    folder = make_run(tmp_path / "portraits", sheets=0)
    rows = [{"images": 64 * i, "seconds": None, "terms": {"critic.loss": None}, "scores": None} for i in range(1, 90)]
    (folder / "log.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert "89 values were not finite" in Page(report.write(folder)).words


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (100, "Finished."),  # the recipe's images are all seen
        (99, "Not finished: 99% of its 6,400 images."),
        (30, "Not finished: 30% of its 6,400 images."),
    ],
)
def test_whether_it_is_finished(tmp_path, rows, words):
    folder = make_run(tmp_path / "portraits", sheets=0, rows=100)
    log = (folder / "log.jsonl").read_text().splitlines()
    (folder / "log.jsonl").write_text("\n".join(log[:rows]))
    assert words in Page(report.write(folder)).words


def test_rows_gone_through_again_count_once(tmp_path):
    folder = make_run(tmp_path / "portraits", rows=10)
    log = (folder / "log.jsonl").read_text().splitlines()
    (folder / "log.jsonl").write_text("\n".join(log + log[4:6]))
    assert [row["images"] for row in Run(folder).rows] == [64 * i for i in range(1, 7)]


@pytest.mark.parametrize(
    "line",
    [b"\xff\xfe", b"5", b"[1]", b"", b"\0" * 512, b'{"images": "64"}', b'{"seconds": 1}', b'{"images": 704, "s'],
)
def test_a_line_that_is_no_row_is_left_out(tmp_path, line):
    """Also of pages, of complaints and of the last words of a training."""
    folder = make_run(tmp_path / "portraits", rows=10)
    log = (folder / "log.jsonl").read_bytes()
    (folder / "log.jsonl").write_bytes(line + b"\n" + log + line)  # the last one may be torn, which is no damage
    with pytest.warns(PassedOver, match="1 lines are damaged") if line else nullcontext():
        assert len(Run(folder).rows) == 10
    warnings.simplefilter("ignore", PassedOver)
    assert [row["images"] for row in Run(folder).rows] == [64 * i for i in range(1, 11)]
    assert "640 images in" in Page(report.write(folder)).words
    assert diagnoses(Run(folder).rows) == []


def test_a_log_of_nothing_but_damage(tmp_path):
    folder = make_run(tmp_path / "portraits", rows=1)
    warnings.simplefilter("ignore", PassedOver)
    for content in (b"", b"\xff", b"5\n", b'{"images": 64, "terms": 5, "scores": [1], "seconds": "a"}\n'):
        (folder / "log.jsonl").write_bytes(content)
        assert Run(folder).seconds == 0
        assert diagnoses(Run(folder).rows) == []
        report.write(folder)
    (folder / "run.json").write_text("[")
    with pytest.raises(Unreadable, match=r"run.json is damaged"):
        Run(folder).about  # noqa: B018
    report.write(folder)


@pytest.mark.parametrize(("name", "content"), [("run.json", "["), ("run.json", '{"part": "a"}'), ("recipe.json", "[")])
def test_a_file_that_is_not_what_it_was_is_said(tmp_path, name, content):
    folder = make_run(tmp_path / "portraits", rows=3)
    (folder / name).write_text(content)
    with pytest.warns(PassedOver, match=f"{name} .* The report shows what is left"):
        assert f"{folder / name} " in Page(report.write(folder)).words


def test_sheets_are_picked_and_shrunk_to_keep_the_page_small(tmp_path, monkeypatch):
    folder = make_run(tmp_path / "portraits", rows=1, sheets=50, size=256)
    monkeypatch.setattr(report, "SHEETS_BYTES", 500_000)
    (folder / "samples" / "000150000.png").write_bytes(b"half a picture")
    with pytest.warns(PassedOver, match="000150000.png is damaged"):
        path = report.write(folder)
    sheets = Page(path).data["sheets"]
    assert [sheet["images"] for sheet in sheets][:3] == [0, 1600, 4800]
    assert len(sheets) == 39  # the last is unreadable
    assert path.stat().st_size < 1_000_000


def test_a_folder_that_holds_no_run(tmp_path):
    with pytest.raises(GanvasError, match="is not a run folder"):
        report.write(tmp_path)


def test_smoothing_keeps_constants_and_does_not_lag():
    assert curves._smooth([2.0] * 50) == pytest.approx([2.0] * 50)
    ramp = [float(index) for index in range(101)]
    assert curves._smooth(ramp)[50] == pytest.approx(50)
    holed = curves._smooth([None if index == 7 else 1.0 for index in range(60)])
    assert holed[7] is None
    assert [value for value in holed if value is not None] == pytest.approx([1.0] * 59)


@pytest.mark.parametrize(
    ("low", "high"), [(0, 46080), (0, 1), (-3.2, 8.9), (0.6101, 0.6105), (-1e30, 1e30), (0, 1e-9), (1e12, 2e12)]
)
def test_ticks_are_few_round_and_inside(low, high):
    ticks = curves._ticks(low, high)
    assert 2 <= len(ticks) <= 7
    assert all(low - 1e-9 * abs(low) <= value <= high + 1e-9 * abs(high) for value, _ in ticks)
    assert len({text for _, text in ticks}) == len(ticks)


@pytest.mark.parametrize("values", [[0.0], [3.0] * 50, [1e-8, 1e8], [-1e90, 1e90], [0.0, 1e-300], [None] * 3])
def test_any_values_can_be_drawn(values):
    line = curves.Line("critic.loss", list(range(1, len(values) + 1)), values)
    drawing = curves.draw(curves.Chart("Losses", "", [line]), len(values))
    assert "nan" not in drawing
    assert "inf" not in drawing


def test_commands_name_the_run_as_seen_from_here(tmp_path, monkeypatch):
    place = make_run(tmp_path / "deep" / "runs" / "one")
    for here, named in ((tmp_path, "deep/runs/one"), (tmp_path / "deep", "runs/one"), (place, str(place))):
        monkeypatch.chdir(here)
        assert f"ganvas film {named}<" in report.write(place).read_text()
