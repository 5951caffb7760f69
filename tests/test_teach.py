"""How the model of ideas is taught on a card, on a processor and for a step or two: all stages, and a model of them."""

import json
import lzma
from types import SimpleNamespace

import pytest
import torch
from PIL import Image

from benchmarks.teach import shaping, sketching
from benchmarks.teach.__main__ import main
from benchmarks.teach.assemble import encoder
from benchmarks.teach.corpus import OTHERS, Corpus, Half, Shown, draw
from benchmarks.teach.facing import agreed, face_one_way
from benchmarks.teach.held_out import write_held_out
from benchmarks.teach.kinds import WAYS, drawn_kinds
from benchmarks.teach.namer import Namer, look_named
from benchmarks.teach.output import PART, Log, load, rows, save
from benchmarks.teach.prepare import PALETTE, attribution, chosen
from benchmarks.teach.shaping import learn_shapes, missed
from benchmarks.teach.sketching import known_sketches, learn_sketches
from ganvas import load as load_model
from ganvas.core.files import numbered
from ganvas.learning.phrases import Phrases
from ganvas.models.critics import load_critics
from ganvas.networks.latent import LatentAutoencoder, LatentGenerator
from ganvas.runs.film import film
from ganvas.runs.run import Run
from ganvas.training.start_from import found

pytestmark = pytest.mark.usefixtures("narrow")

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
    quick += ["--sketches", ".01", "--sketch", "4"]
    quick += ["--batch", "4"]
    main(["finish", str(carry), str(out), "--model", str(folder / "model"), "--cores", "1", *quick])
    assert rows(out, "shapes")[-1]["terms"].keys() == {"generator.missed", "generator.refined"}
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
    own = {name: value for name, value in load(out, "finished").items() if name.startswith("sketcher.")}
    main(["assemble", str(out), str(folder / "mean"), "--mean", str(folder / "other")])
    halfway = load_model(folder / "mean").network.state_dict()
    for name, value in load(out, "finished").items():
        assert torch.allclose(halfway[name], value if name in own else value + 0.5, atol=2e-3)
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


@pytest.mark.slow
def test_all_stages_leave_a_model_and_a_flow_goes_on(carry, tmp_path):
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


@pytest.mark.slow
def test_kinds_are_written_for_who_assembles(carry, tmp_path):
    pytest.importorskip("resvg_py")
    times = ["--autoencoder", ".01", "--flow", ".01", "--one-step", ".01", "--refine", ".01"]
    main(["assemble", str(run(carry, tmp_path / "first", *times)), str(tmp_path / "model")])
    quick = ["--first", "0", "--seconds", ".01", "--warm", "0", "--namer", "2", "--batch", "4", "--cores", "1"]
    quick += ["--sketches", ".01", "--sketch", "4"]
    main(["finish", str(carry), str(tmp_path / "out"), "--model", str(tmp_path / "model"), *quick])
    main(["kinds", str(carry), str(tmp_path / "out")])
    main(["assemble", str(tmp_path / "out"), str(tmp_path / "after")])
    known = json.loads((carry / "condition.json").read_text())["kinds"]
    assert {each.split()[0] for each in known} == {"star", "box"}
    kept = load_model(tmp_path / "after").condition.kinds
    assert {word for each in kept for word in each.split()} <= {word for each in known for word in each.split()}


@pytest.fixture
def latent(carry):
    """A corpus, and networks that draw in latents: an autoencoder, a generator without sketches, and one with."""
    pytest.importorskip("resvg_py")
    torch.manual_seed(0)
    corpus = Corpus(carry, draw(carry, 64, cores=1), torch.device("cpu"))
    face_one_way(corpus)
    autoencoder = LatentAutoencoder().build((3, 64, 64), 0).requires_grad_(False)
    settings = {"width": 32, "blocks": 1, "refinements": 1}
    before = LatentGenerator(**settings).build((3, 64, 64), 1792).requires_grad_(False)
    network = LatentGenerator(**settings, sketch=3).build((3, 64, 64), 1792)
    network.load_state_dict(before.state_dict(), strict=False)
    return SimpleNamespace(corpus=corpus, autoencoder=autoencoder, before=before, network=network)


def counted(seconds):
    """Steps, by their number for so many seconds."""
    return ((step, step / seconds) for step in range(int(seconds)))


def test_sketches_are_of_icons_in_no_tint_and_are_kept(latent, tmp_path):
    """A star is sketched as all stars, though each has another colour; one that stopped goes on with the same."""
    corpus, sketcher = latent.corpus, latent.network.sketcher
    sketches = known_sketches(corpus, latent.autoencoder, sketcher, tmp_path, anew=True)
    assert sketches.mono.shape == (len(corpus.mono), 3)
    assert sketches.coloured.shape == (len(corpus.coloured), 3)
    row = torch.tensor([0])
    icon = corpus.pictures(corpus.mono, row, torch.full((1, 3), 0.25))
    assert torch.allclose(
        sketches.of(torch.tensor([True]), row), sketcher.sketches(latent.autoencoder.latents(icon)), atol=0.02
    )
    icon = corpus.pictures(corpus.coloured, row)
    wanted = sketcher.sketches(latent.autoencoder.latents(icon))
    assert torch.allclose(sketches.of(torch.tensor([False]), row), wanted, atol=0.02)
    again = LatentGenerator(width=32, blocks=1, sketch=3).build((3, 64, 64), 1792).sketcher
    kept = known_sketches(corpus, None, again, tmp_path, anew=True)
    assert all(one.equal(other) for one, other in zip(sketches, kept, strict=True))
    assert torch.allclose(again.get_buffer("axes"), sketcher.get_buffer("axes"), atol=1e-3)


def test_a_sketcher_learns_which_sketches_there_are_under_words(latent, tmp_path, monkeypatch):
    """Stars and boxes have two sketches each, half of the icons the one: seeds draw both, and of what was told."""
    for name, value in (("BATCH", 64), ("RATE", 3e-3), ("WARM", 10), ("steps", counted)):
        monkeypatch.setattr(sketching, name, value)
    corpus, sketcher, sketches = latent.corpus, latent.network.sketcher, []
    for half in (corpus.mono, corpus.coloured):
        star = half.candidates[:, 0] == corpus.places["star"]
        way = torch.arange(len(half)) % 4 < 2
        sketches.append(torch.stack([star * 2.0 - 1, way * 2.0 - 1, 0 * star], 1))
    named = [torch.ones(len(half), dtype=torch.bool) for half in (corpus.mono, corpus.coloured)]
    learn_sketches(corpus, sketching.Sketches(*sketches), sketcher, tmp_path, 400, named=named)
    noise = torch.randn(200, 64, 16)
    for noun, wanted in (("star", 1), ("box", -1)):
        told = corpus.condition(torch.stack([corpus.asked(f"{noun} solid")] * 200))
        found = sketcher.sketches(sketcher(noise, told))
        assert ((found[:, 0] * wanted - 1).abs() < 0.5).float().mean() > 0.9
        assert 0.3 < (found[:, 1] > 0).float().mean() < 0.7
        assert ((found[:, 1].abs() - 1).abs() < 0.5).float().mean() > 0.8
    assert not any(each.requires_grad for each in sketcher.parameters())
    assert rows(tmp_path, "sketches")[-1]["terms"]["sketcher.error"] < 0.5
    assert load(tmp_path, "sketcher").keys() == sketcher.state_dict().keys()


def test_sketches_of_icons_that_nobody_would_call_so_are_seldom_drawn(latent, tmp_path, monkeypatch):
    """Half of the icons are of the one sketch, and nobody would name these."""
    for name, value in (("BATCH", 64), ("RATE", 3e-3), ("WARM", 10), ("steps", counted)):
        monkeypatch.setattr(sketching, name, value)
    corpus, sketcher = latent.corpus, latent.network.sketcher
    named = [torch.arange(len(half)) % 4 < 2 for half in (corpus.mono, corpus.coloured)]
    sketches = [torch.stack([each * 2.0 - 1, 0 * each, 0 * each], 1) for each in named]
    learn_sketches(corpus, sketching.Sketches(*sketches), sketcher, tmp_path, 400, named=named)
    told = corpus.condition(torch.stack([corpus.asked("star solid")] * 200))
    found = sketcher.sketches(sketcher(torch.randn(200, 64, 16), told))
    assert 0.8 < (found[:, 0] > 0).float().mean() < 1


def test_icons_look_like_what_they_are_called_if_the_namer_guesses_it(latent, monkeypatch):
    """The guesses of this one are made up: the noun is the second; of one that it does not know nothing is asked."""
    corpus = latent.corpus
    star, box = corpus.places["star"], corpus.places["box"]
    monkeypatch.setattr("benchmarks.teach.namer.appearance", lambda pictures: [pictures] * 4)
    monkeypatch.setattr("benchmarks.teach.namer.seen", lambda scales: scales[0][:, :, 0, 0])
    namer = Namer(3, [star, box], len(corpus.words)).eval()
    namer.forward = lambda numbers: torch.tensor([1.0, 2.0]).expand(len(numbers), -1)
    half = corpus.mono
    for guesses, stars in ((1, False), (2, True)):
        monkeypatch.setattr("benchmarks.teach.namer.GUESSES", guesses)
        named = look_named(namer, corpus, half)
        assert all(bool(each) == stars for each in named[half.candidates[:, 0] == star])
        assert named[half.candidates[:, 0] == box].all()
    namer.get_buffer("places")[star] = -1
    assert look_named(namer, corpus, half).all()


def test_shapes_lead_to_the_icons_of_sketches(latent, tmp_path, monkeypatch):
    for name, value in (("BATCH", 8), ("RATE", 1e-3), ("EVERY", 1), ("steps", counted)):
        monkeypatch.setattr(shaping, name, value)
    corpus, network, autoencoder, before = latent.corpus, latent.network, latent.autoencoder, latent.before
    sketches = known_sketches(corpus, autoencoder, network.sketcher, tmp_path, anew=True)
    fixed = {
        each: value.clone() for each, value in network.state_dict().items() if each[:8] in ("sketcher", "decoder.")
    }
    learned = {name: value.clone() for name, value in before.state_dict().items()}
    shown = corpus.some(32)

    def apart():
        condition = corpus.condition(shown.told)
        return missed(corpus, sketches, network, autoencoder, shown, condition)[0]

    first, _ = apart(), learn_shapes(corpus, sketches, before, network, autoencoder, tmp_path, 60)
    assert apart() < 0.8 * first
    assert len(rows(tmp_path, "shapes")) >= 60
    sheets = {images for images, _ in numbered(tmp_path / "samples")}
    assert {row["images"] for row in rows(tmp_path, "shapes")} <= sheets
    assert all(value.equal(learned[name]) for name, value in before.state_dict().items())
    assert all(value.equal(network.state_dict()[name]) for name, value in fixed.items())


def test_an_icon_of_one_colour_counts_only_if_its_colour_was_told(latent, tmp_path):
    """Its sketch does not say it."""
    corpus, network = latent.corpus, latent.network
    sketches = known_sketches(corpus, latent.autoencoder, network.sketcher, tmp_path, anew=True)
    shown = corpus.some(16)
    one = Shown(*(each[shown.mono] for each in shown))
    for told, counts in ((0 * one.told, False), (corpus.asked("star red").expand(len(one.told), -1), True)):
        off, _ = missed(corpus, sketches, network, latent.autoencoder, one._replace(told=told), corpus.condition(told))
        assert bool(off > 0) == counts
    many = Shown(*(each[~shown.mono] for each in shown))
    condition = corpus.condition(0 * many.told)
    assert missed(corpus, sketches, network, latent.autoencoder, many._replace(told=0 * many.told), condition)[0] > 0
