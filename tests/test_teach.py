"""How the model of ideas is taught on a card, on a processor and for a step or two: all stages, and a model of them."""

import copy
import json
import lzma

import pytest
import torch
from PIL import Image

from benchmarks.teach import shaping
from benchmarks.teach.__main__ import main
from benchmarks.teach.alike import Alike
from benchmarks.teach.assemble import encoder
from benchmarks.teach.corpus import OTHERS, Corpus, Half, Shown, draw
from benchmarks.teach.facing import agreed, face_one_way
from benchmarks.teach.held_out import write_held_out
from benchmarks.teach.kinds import WAYS, drawn_kinds
from benchmarks.teach.namer import Namer
from benchmarks.teach.output import PART, Log, load, rows, save
from benchmarks.teach.prepare import PALETTE, attribution, chosen
from benchmarks.teach.shaping import learn_shapes
from ganvas import load as load_model
from ganvas.core.files import numbered
from ganvas.learning.latents import unlike
from ganvas.learning.phrases import Phrases
from ganvas.models.critics import load_critics
from ganvas.networks.latent import LatentAutoencoder, LatentGenerator
from ganvas.runs.film import film
from ganvas.runs.run import Run
from ganvas.training.start_from import found

SHAPES = {
    "star": '<path fill="{}" d="M12 2l3 7h7l-6 4 3 8-7-5-7 5 3-8-6-4h7z"/>',
    "box": '<rect fill="{}" x="3" y="5" width="18" height="14"/>',
}
BROKEN = "<no svg"


def icon(number):
    """One of sixty made-up icons; every third has colours of its own, one cannot be drawn, one is held out."""
    noun, mono = list(SHAPES)[number % 2], number % 3 > 0
    body = SHAPES[noun].format("currentColor" if mono else "#e53935")
    made = {
        "set": f"set-{number % 4}",
        "licence": ("MIT", "CC-BY-4.0")[number % 2],
        "author": "A. Nobody",
        "words": [noun, "thing"],
        "named": 1,
        "noun": noun,
        "kind": "thing",
        "style": "solid",
        "palette": "mono" if mono else "colour",
        "colours": [] if mono else ["red"],
        "fit": [0, 0, 24],
        "svg": BROKEN if number == 7 else body,
    }
    return made | ({"held_out": True} if number == 59 else {})


@pytest.fixture(scope="module")
def carry(tmp_path_factory):
    folder = tmp_path_factory.mktemp("teach")
    with lzma.open(folder / "corpus.jsonl.xz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(icon(number)) + "\n" for number in range(60))
    main(["prepare", str(folder / "corpus.jsonl.xz"), str(folder / "carry")])
    return folder / "carry"


def run(carry, out, *more):
    quick = ["--device", "cpu", "--cores", "1", "--batch", "4", "--small-batch", "4", "--tints", "2", "--pairs", "8"]
    main(["run", str(carry), str(out), *quick, "--steps", "2", *more])
    return out


def test_what_is_held_out_is_learned_only_if_everything_is():
    icons = [icon(number) for number in range(60)]
    assert (len(chosen(icons)), len(chosen(icons, everything=True))) == (59, 60)
    page, whole = attribution(icons), attribution(icons, everything=True)
    assert page.startswith("# Whose drawings")
    assert "59 icons of 4 open sets" in page
    assert "60 icons of 4 open sets" in whole
    assert page.count("https://creativecommons.org/licenses/by/4.0/") == 1
    assert "| set-3 | A. Nobody | 14 |" in page
    assert "| set-3 | A. Nobody | 15 |" in whole


def test_icons_that_were_held_out_are_written_with_their_words(tmp_path):
    pytest.importorskip("resvg_py")
    icons = [icon(number) | {"held_out": number < 9} for number in range(30)]
    assert write_held_out(icons, tmp_path / "some", count=8) == 8  # of nine, one of which cannot be drawn
    told = [json.loads(line) for line in (tmp_path / "some/metadata.jsonl").read_text().splitlines()]
    assert {each["keywords"][0] for each in told} == set(SHAPES)
    assert all(each["keywords"][1] == "solid" and each["keywords"][2] in PALETTE for each in told)
    assert len(list((tmp_path / "some").glob("*.png"))) == 8
    assert write_held_out(icons, tmp_path / "none", drawings=True) == 0


def five():
    """Four icons of the noun `some`, three of them of one colour, and one of `rare`, drawn by the fourth root."""
    first = torch.tensor([4**-0.75] * 4 + [1.0])
    mono, coloured = Half.__new__(Half), Half.__new__(Half)
    for half, part in ((mono, slice(0, 3)), (coloured, slice(3, 5))):
        half.candidates = torch.tensor([[1], [1], [1], [1], [2]])[part]
        half.ends = first[part].cumsum(0) / first[part].sum()
    corpus = Corpus.__new__(Corpus)
    corpus.mono, corpus.coloured, corpus.share = mono, coloured, float(first[:3].sum() / first.sum())
    corpus.words, corpus.places = ["some", "rare"], {"some": 1, "rare": 2}
    return corpus


@pytest.mark.parametrize(
    ("power", "least", "rare"),
    [
        *((0.5, {}, 1 / 3), (0.0, {}, 1 / 2), (0.5, {"new": 0.5}, 1 / 3)),
        *((0.5, {"rare": 0.5}, 1 / 2), (0.5, {"rare": 0.2}, 1 / 3)),
    ],
)
def test_nouns_are_drawn_by_a_power_of_their_icons_and_some_for_a_share(power, least, rare):
    """By the fourth root they are drawn 1.41 to 1, by the square root 2 to 1."""
    corpus = five()
    corpus.favour(power, least, sum(least.values()))
    assert (1 - corpus.share) * float(corpus.coloured.weights()[1]) == pytest.approx(rare, abs=1e-6)
    assert corpus.share == pytest.approx(0.75 * (1 - rare), abs=1e-6)


def test_a_drawing_is_compared_with_icons_of_its_noun_and_style_alone(carry):
    """What is shown itself is the icon most like it, and half of it is, too; but for what was not told all of that."""
    pytest.importorskip("resvg_py")
    corpus = Corpus(carry, draw(carry, 64, cores=1), torch.device("cpu"))
    face_one_way(corpus)
    torch.manual_seed(0)
    some = [corpus.some(16) for _ in range(8)]
    shown = Shown(*(torch.cat(each) for each in zip(*some, strict=True)))
    alike = Alike(corpus)
    icons, places = alike.nearest(shown.pictures * 0.5 + 0.5, shown)
    assert torch.allclose(icons, shown.pictures[places], atol=0.02)
    assert 0 < len(places) < len(shown.rows)
    assert set(shown.mono[places].tolist()) == {True, False}
    for place in places.tolist():
        half = corpus.mono if shown.mono[place] else corpus.coloured
        names = {corpus.words[number - 1] for number in shown.told[place].tolist() if number}
        asked = {corpus.words[number - 1] for number in half.candidates[shown.rows[place], :2].tolist()}
        assert asked <= names
        assert bool(names & set(PALETTE)) == bool(shown.mono[place])
    nothing = shown._replace(told=torch.zeros_like(shown.told))
    icons, places = alike.nearest(shown.pictures, nothing)
    assert (len(icons), len(places)) == (0, 0)


def test_a_drawing_is_compared_with_icons_of_which_the_same_is_said(carry):
    """Every second star is called a box besides and looks otherwise: who is told so is drawn to these alone."""
    pytest.importorskip("resvg_py")
    corpus = Corpus(carry, draw(carry, 64, cores=1), torch.device("cpu"))
    half, box, thing = corpus.mono, corpus.places["box"], corpus.places["thing"]
    stars = (half.candidates[:, 0] == corpus.places["star"]).nonzero()[:, 0]
    half.candidates[stars[::2], OTHERS:] = 0
    half.candidates[stars[::2], OTHERS] = box
    half.pictures[stars[::2]] = half.pictures[stars[::2]].flip(1) // 2
    shown = Shown(*(each[:3] for each in corpus.some(16)))._replace(rows=stars[[0, 0, 1]])
    told = torch.stack(
        [corpus.asked(text) for text in ("star solid red box", "star solid red", "star solid red thing")]
    )
    shown = shown._replace(told=told, mono=torch.ones(3, dtype=torch.bool), tints=torch.zeros(3, 3))
    assert half.candidates[stars[1], OTHERS:].tolist().count(thing) == 1
    ways = [corpus.pictures(half, stars[[place] * 3], shown.tints) for place in (1, 0)]
    for drawn, other in (ways, ways[::-1]):
        icons, places = Alike(corpus).nearest(drawn, shown)
        assert places.tolist() == [0, 1, 2]
        asked = [ways[1][0], drawn[0], ways[0][0]]
        assert torch.allclose(icons, torch.stack(asked), atol=0.01)
        assert not torch.allclose(drawn, other, atol=0.1)


@pytest.mark.parametrize(("kind", "told"), [(0.0, False), (1.0, True)])
def test_the_kind_of_a_thing_is_told_alone(carry, kind, told):
    pytest.importorskip("resvg_py")
    corpus = Corpus(carry, draw(carry, 64, cores=1), torch.device("cpu"))
    half, rows = corpus.coloured, torch.arange(16)
    half.candidates[0, OTHERS:] = 0  # of no kind
    half.candidates[rows, OTHERS] = corpus.places["yellow"]  # said of it, and no kind
    words = corpus.told(half, rows, None, nothing=0.0, plain=1.0, kind=kind)
    assert ((words == corpus.places["thing"]).any(1) == (torch.tensor(told) & (rows > 0))).all()
    assert not (words == corpus.places["yellow"]).any()
    assert (words[:, 0] == half.candidates[rows, 0]).all()


def test_most_stay_as_they_are_where_some_are_turned():
    """Nine that lean one way or the other, and one beside them that may not be turned and is the longest."""
    torch.manual_seed(0)
    along, signs = torch.randn(32), torch.tensor([1.0, -1, 1, 1, -1, 1, -1, 1, 1])
    leaning = signs[:, None] * along + 0.3 * torch.randn(9, 32)
    assert agreed(leaning, torch.ones(9, dtype=torch.bool)).tolist() == (signs < 0).tolist()
    assert agreed(-leaning, torch.ones(9, dtype=torch.bool)).tolist() == (signs < 0).tolist()
    assert not agreed(leaning, torch.zeros(9, dtype=torch.bool)).any()
    fixed = torch.cat([leaning, -9 * along[None]])
    assert agreed(fixed, torch.arange(10) < 9).tolist() == [*(signs > 0).tolist(), False]


def test_icons_of_a_noun_are_turned_to_face_one_way(carry):
    pytest.importorskip("resvg_py")
    corpus = Corpus(carry, draw(carry, 64, cores=1), torch.device("cpu"))
    wedge = torch.arange(64, dtype=torch.uint8).expand(64, 64)
    for half, picture in ((corpus.mono, wedge), (corpus.coloured, 255 - wedge[..., None].expand(-1, -1, 3))):
        assert half.flips.all()
        half.pictures[:] = picture
        half.pictures[::3] = picture.flip(1)
    turned = face_one_way(corpus)
    assert turned == sum(len(half.pictures[::3]) for half in (corpus.mono, corpus.coloured))
    assert (corpus.mono.pictures == wedge).all()
    assert (corpus.coloured.pictures == 255 - wedge[..., None]).all()
    assert not corpus.mono.flips.any()
    assert not corpus.coloured.flips.any()


def test_a_log_is_gone_on_with(tmp_path):
    Log(tmp_path, "some").row(30, {"loss": 2.0})
    Log(tmp_path, "some", go_on=True).row(20, {"loss": 1.0})
    assert [(row["images"], row["terms"]["loss"]) for row in rows(tmp_path, "some")] == [(30, 2.0), (50, 1.0)]
    Log(tmp_path, "some").row(10, {"loss": 3.0})
    assert [row["images"] for row in rows(tmp_path, "some")] == [10]


def test_weights_travel_in_files_below_sixteen_mebibytes(tmp_path):
    tensors = {str(number): torch.full((3_000_000,), float(number)) for number in range(4)}
    save(tensors, tmp_path / "w")
    assert len(files := list(tmp_path.glob("w_*.safetensors"))) == 2
    assert all(file.stat().st_size <= 16 * 2**20 for file in files), PART
    assert all(bool((value == float(name)).all()) for name, value in load(tmp_path, "w").items())
    save({"0": tensors["0"]}, tmp_path / "w")
    assert list(load(tmp_path, "w")) == ["0"]


@pytest.mark.parametrize(
    ("given", "said"),
    [(["--flow-from", "nowhere"], "flow, one_step or nothing"), (["--span-from", ".6", "--span-to", ".5"], "in order")],
)
def test_what_cannot_be_meant_is_refused(carry, tmp_path, given, said):
    with pytest.raises(SystemExit, match=said):
        run(carry, tmp_path, *given)


def finished_from(carry, folder, *, before):
    """The model of FOLDER/model goes on, and what is left is one that draws otherwise by itself, not by its decoder."""
    out, quick = folder / "finished", ["--first", ".01", "--seconds", ".01", "--warm", "0", "--namer", "2"]
    quick += ["--batch", "4"]
    main(["finish", str(carry), str(out), "--model", str(folder / "model"), "--cores", "1", *quick])
    assert rows(out, "shapes")[-1]["terms"].keys() == {"generator.alike", "generator.moved", "generator.refined"}
    namer, weights = (out / "namer.safetensors").read_bytes(), load(out, "finished")
    first = rows(out, "finished")[-1]["images"]
    main(["finish", str(carry), str(out), "--model", str(folder / "model"), "--cores", "1", *quick])  # goes on
    assert (out / "namer.safetensors").read_bytes() == namer
    assert rows(out, "finished")[-1]["images"] > first
    seen = sum(rows(out, stage)[-1]["images"] for stage in ("shapes", "finished"))
    assert [images for images, _ in numbered(out / "samples")][-1] == seen
    assert len(numbered(out / "samples")) > 2
    with Image.open(film(out)) as moving:
        assert moving.n_frames > 1
    assert any(bool((value != weights[name]).any()) for name, value in load(out, "finished").items())
    (folder / "other").mkdir()
    save({name: value + 1 for name, value in load(out, "finished").items()}, folder / "other" / "finished")
    main(["assemble", str(out), str(folder / "mean"), "--mean", str(folder / "other")])
    halfway = load_model(folder / "mean").network.state_dict()
    assert all(torch.allclose(halfway[name], value + 0.5, atol=2e-3) for name, value in load(out, "finished").items())
    main(["assemble", str(out), str(folder / "after")])
    model, images = load_model(folder / "after"), rows(out, "finished")[-1]["images"]
    moved = {
        name: float((value - model.network.state_dict()[name]).abs().max())
        for name, value in before.network.state_dict().items()
    }
    assert 0 < max(moved.values()) < 0.01
    assert max(value for name, value in moved.items() if name.startswith("decoder.")) == 0
    run_before, run_after = Run(folder / "model"), Run(folder / "after")
    assert run_after.rows[-1]["images"] == run_before.rows[-1]["images"] + rows(out, "shapes")[-1]["images"] + images
    assert run_after.rows[-1]["terms"].keys() >= {"generator.named", "critic.right"}
    assert run_after.newest_sound() is not None
    assert run_after.recipe.images == run_after.rows[-1]["images"]
    critics = load_critics(run_after, model.condition.length)
    learned = load(out, "finished_critic")
    assert all(value.equal(learned[name]) for name, value in critics["critic"].state_dict().items())
    kept = encoder(run_after)
    autoencoder = found(folder / "after").learned()["autoencoder"]  # for whoever draws in the same latents
    assert all(value.equal(autoencoder[name]) for name, value in kept.items())
    assert kept
    assert all(value.equal(kept[name]) for name, value in encoder(run_before).items())
    main(["finish", str(carry), str(folder / "again"), "--model", str(folder / "after"), "--cores", "1", *quick])
    gone_on = load(folder / "again", "finished_critic")
    assert 0 < max(float((value - learned[name]).abs().max()) for name, value in gone_on.items()) < 0.1
    assert run_after.about["data"]["count"] == json.loads((carry / "about.json").read_text())["icons"]


def test_all_stages_leave_a_model_and_a_flow_goes_on(carry, tmp_path, monkeypatch):
    pytest.importorskip("resvg_py")
    stages = ("autoencoder", "flow", "one_step", "refined")
    times = ["--autoencoder", ".01", "--flow", ".01", "--one-step", ".01", "--refine", ".01"]
    first = run(carry, tmp_path / "first", *times)
    assert all(rows(first, stage)[-1]["images"] >= 4 for stage in stages)
    drawn, refined = load(first, "one_step"), load(first, "refined")
    assert 0 < max(float((refined[name] - value).abs().max()) for name, value in drawn.items()) < 0.01
    main(["assemble", str(first), str(tmp_path / "model")])
    model, said = load_model(tmp_path / "model"), Run(tmp_path / "model")
    assert model.network.refinements == 1
    after = said.rows[-1]
    assert said.rows[: len(rows(first, "one_step"))] == rows(first, "one_step")
    assert after["terms"].keys() == {"generator.refined", "generator.kept"}
    assert after["images"] == rows(first, "one_step")[-1]["images"] + rows(first, "refined")[-1]["images"]
    assert said.about["data"]["count"] == 59
    assert said.newest_sound() is not None
    assert model.sample(1, seed=0, label="red star")[0].size == (64, 64)
    finished_from(carry, tmp_path, before=model)
    some = Corpus.some
    monkeypatch.setattr(Corpus, "some", lambda *few: (found := some(*few))._replace(told=0 * found.told))
    quick = ["--first", "0", "--seconds", ".01", "--warm", "0", "--namer", "2", "--batch", "4", "--cores", "1"]
    main(["finish", str(carry), str(tmp_path / "untold"), "--model", str(tmp_path / "model"), *quick])
    assert rows(tmp_path / "untold", "finished")[-1]["terms"]["generator.alike"] == 0
    monkeypatch.undo()
    again = ["--flow", ".01", "--flow-from", "one_step", "--one-step", "0", "--plain", ".5", "--span-from", ".5"]
    second = run(carry, tmp_path / "second", "--start", str(first), *again)
    before, after = load(first, "one_step"), load(second, "flow")
    apart = max(float((after[name] - value).abs().max()) for name, value in before.items())
    assert 0 < apart < 0.01  # a step or two from where it began, and not anew
    kept = load(second, "autoencoder")
    assert all(kept[name].equal(value) for name, value in load(first, "autoencoder").items())
    with pytest.raises(SystemExit, match="--one-step SECONDS"):
        main(["assemble", str(second), str(tmp_path / "none")])
    with pytest.raises(SystemExit, match="Nothing is there to be refined"):
        run(carry, tmp_path / "third", "--start", str(second), "--flow", "0", "--one-step", "0", "--refine", ".01")


def test_kinds_are_those_that_are_still_the_thing_and_differ_most(monkeypatch):
    """The drawings of "clock" are numbers: b and d lie apart, c is no clock, and a is as the plain thing is."""
    words = ["clock", "a", "b", "c", "d", "vase"]
    places = {word: place + 1 for place, word in enumerate(words)}
    looks = {"clock": [5.0, 0.0], "clock a": [5.0, 0.0], "clock b": [6.0, 1.0]}
    looks |= {"clock c": [0.0, 9.0], "clock d": [9.0, 3.0]}
    namer = Namer(2, [1, 2, 3, 4], len(words)).eval()
    namer.layers = torch.nn.Sequential(torch.nn.Identity(), torch.nn.Linear(2, 4))
    namer.layers[1].weight.data = torch.tensor([[1.0, 0], [0, 1], [-1, 0], [-1, -1]])
    monkeypatch.setattr("benchmarks.teach.kinds.appearance", lambda pictures: pictures)
    monkeypatch.setattr("benchmarks.teach.kinds.seen", lambda scales: scales)
    monkeypatch.setattr("benchmarks.teach.kinds.FIRST", 1)

    def draw(texts, seed):
        return torch.tensor([looks[text.replace(WAYS[seed], "").strip()] for text in texts])

    asked = Phrases(kinds=("clock a b c d", "vase a"))
    assert drawn_kinds(asked, draw, namer, places) == ("clock d b",)


def test_kinds_are_written_for_who_assembles(carry, tmp_path):
    pytest.importorskip("resvg_py")
    times = ["--autoencoder", ".01", "--flow", ".01", "--one-step", ".01", "--refine", ".01"]
    main(["assemble", str(run(carry, tmp_path / "first", *times)), str(tmp_path / "model")])
    quick = ["--first", "0", "--seconds", ".01", "--warm", "0", "--namer", "2", "--batch", "4", "--cores", "1"]
    main(["finish", str(carry), str(tmp_path / "out"), "--model", str(tmp_path / "model"), *quick])
    main(["kinds", str(carry), str(tmp_path / "out")])
    main(["assemble", str(tmp_path / "out"), str(tmp_path / "after")])
    known = json.loads((carry / "condition.json").read_text())["kinds"]
    assert {each.split()[0] for each in known} == {"star", "box"}
    kept = load_model(tmp_path / "after").condition.kinds
    assert {word for each in kept for word in each.split()} <= {word for each in known for word in each.split()}


def test_more_can_be_compared_than_by_chance(carry):
    pytest.importorskip("resvg_py")
    corpus = Corpus(carry, draw(carry, 64, cores=1), torch.device("cpu"))
    alike = Alike(corpus)
    torch.manual_seed(0)
    chance, chosen = (
        torch.cat([alike.comparable(some(16)) for _ in range(20)]).float().mean() for some in (corpus.some, alike.some)
    )
    assert 0.1 < chance < 0.6
    assert chosen > 1.3 * chance
    assert len(alike.some(16).rows) == 16


def test_shapes_lead_to_icons_of_what_is_told(carry, tmp_path, monkeypatch):
    """Drawings come nearer to the icons that they are most like."""
    pytest.importorskip("resvg_py")
    monkeypatch.setattr(shaping, "BATCH", 8)
    monkeypatch.setattr(shaping, "RATE", 1e-3)
    monkeypatch.setattr(shaping, "EVERY", 1)
    monkeypatch.setattr(shaping, "steps", lambda seconds: ((step, step / seconds) for step in range(int(seconds))))
    torch.manual_seed(0)
    corpus = Corpus(carry, draw(carry, 64, cores=1), torch.device("cpu"))
    before = LatentGenerator(width=32, blocks=1, refinements=1).build((3, 64, 64), 1792).requires_grad_(False)
    network = copy.deepcopy(before).requires_grad_(True)
    network.decoder.requires_grad_(False)
    autoencoder = LatentAutoencoder().build((3, 64, 64), 0).requires_grad_(False)
    alike, learned = Alike(corpus), {name: value.clone() for name, value in before.state_dict().items()}
    shown, z = alike.some(32), torch.randn(32, before.latent)

    def apart():
        """How far drawings are from the icons that they are most like."""
        latents = network.once(network.places(z), corpus.condition(shown.told))
        icons, places = alike.nearest(autoencoder.decode(latents), shown)
        return unlike(latents[places], autoencoder.latents(icons)).mean()

    first, _ = apart(), learn_shapes(corpus, alike, before, network, autoencoder, tmp_path, 60)
    assert apart() < 0.8 * first
    assert len(rows(tmp_path, "shapes")) >= 60
    sheets = {images for images, _ in numbered(tmp_path / "samples")}
    assert {row["images"] for row in rows(tmp_path, "shapes")} <= sheets
    assert all(value.equal(learned[name]) for name, value in before.state_dict().items())
