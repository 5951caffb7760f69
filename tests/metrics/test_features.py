"""Features: equal to the references, whatever the batch; weights found, checked, not run as programs; the classifier.

tests/golden/features_inception.json holds what torch-fidelity, pytorch-fid and (for the preparation) clean-fid gave for
made-up weights; it was made by `python -m benchmarks.cross_check_features --golden`.
"""

import importlib.util
import json
import pickle
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch.nn import functional as F
from torch.torch_version import TorchVersion

from ganvas.core import pixels
from ganvas.core.errors import GanvasError
from ganvas.core.manifest import hash_of
from ganvas.core.weights import read_weights, sha256_of
from ganvas.data.dataset import Dataset
from ganvas.data.sources.digits import Digits
from ganvas.metrics.features import by_name as described
from ganvas.metrics.features import classifier as classifiers
from ganvas.metrics.features import efficientnet
from ganvas.metrics.features.by_name import Extractor, Request, features, inception_file, suggested
from ganvas.metrics.features.classifier import classifier
from ganvas.metrics.features.efficientnet import EfficientNetLite, load_efficientnet
from ganvas.metrics.features.inception import _tensorflow_names, load_inception, made_up_weights, tensorflow_resize
from ganvas.networks.feature import FeatureCritic

ROOT = Path(__file__).parents[2]
GOLDEN = json.loads((ROOT / "tests" / "golden" / "features_inception.json").read_text())
EFFICIENTNET = json.loads((ROOT / "tests" / "golden" / "features_efficientnet.json").read_text())


@pytest.fixture(scope="module")
def made_up_pictures():
    place = ROOT / "benchmarks" / "cross_check_features.py"
    spec = importlib.util.spec_from_file_location("cross_check_features", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.made_up_pictures


@pytest.fixture(scope="module")
def tensors():
    return made_up_weights()


@pytest.fixture(scope="module")
def weights(tensors, tmp_path_factory):
    file = tmp_path_factory.mktemp("weights") / "weights-inception-2015-12-05-6726825d.pth"
    torch.save(tensors, file)
    return file


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    """A machine that has no weights of Inception and no network; what it keeps goes to tmp_path."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("GANVAS_INCEPTION", raising=False)

    def offline(address, target, *, checksum, watch, otherwise):
        raise GanvasError(f"{address} could not be fetched. {otherwise}")

    monkeypatch.setattr(described, "download", offline)
    return tmp_path


def mean_colours(request=None, **changes):
    """An extractor that is worked out in the head: the mean red, green and blue."""
    settings = {"dimension": 3, "sha256": "0" * 64, "resize": "none", "quantiser": "none", "name": "means"} | changes
    return Extractor(settings.pop("run", lambda x: x.float().mean((1, 2))), **settings)


# Inception


def test_the_made_up_weights_are_the_same_numbers_everywhere(tensors):
    assert len(tensors) == 566
    assert sha256_of(tensors) == GOLDEN["weights_sha256"]
    assert sha256_of(made_up_weights(1)) != GOLDEN["weights_sha256"]


@pytest.mark.parametrize("name", ["inception", "inception_pytorch", "inception_clean"])
def test_inception_is_what_the_references_say(name, weights, made_up_pictures):
    exact = features(name, weights=weights, exact=True)
    for size in ("32x32", "250x330"):
        height, width = map(int, size.split("x"))
        found = exact(made_up_pictures(height, width))[:, :: GOLDEN["every"]]
        wanted = torch.tensor(GOLDEN["features"][f"{name} {size}"]).reshape(found.shape)
        assert (found - wanted).abs().max() < 2e-5, "the modes are further apart than that"
        others = [other for other in GOLDEN["features"] if other.endswith(size) and not other.startswith(f"{name} ")]
        assert all((found.flatten() - torch.tensor(GOLDEN["features"][o])).abs().max() > 2e-4 for o in others)


@pytest.mark.parametrize("one_pass", [True, False])
def test_the_fast_path_is_the_exact_one_within_1e_5_and_carries_the_same_name(
    one_pass, weights, made_up_pictures, monkeypatch
):
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: one_pass)  # as other processors and GPUs have it
    pictures = made_up_pictures(40, 30)
    exact, fast = features("inception", weights=weights, exact=True), features("inception", weights=weights)
    mine, quick = exact(pictures), fast(pictures)
    assert mine.shape == (2, 2048)
    assert (mine - quick).abs().max() < 1e-5 * mine.std()
    assert not torch.equal(mine, quick), "nothing was folded"
    assert exact.about == fast.about
    assert torch.equal(exact.logits(mine), mine @ load_inception(read_weights(weights)).fc.weight.T)


def test_tensorflow_resize_by_hand():
    """Two pixels become four: places 0, 1/2, 1, 3/2, the last beyond the last pixel and hence equal to it."""
    row = torch.tensor([10.0, 20.0])
    found = tensorflow_resize(row.expand(1, 1, 2, 2), 4)
    assert torch.equal(found[0, 0], torch.tensor([10.0, 15.0, 20.0, 20.0]).expand(4, 4))
    tall = tensorflow_resize(torch.arange(6.0).reshape(1, 1, 6, 1), 3)
    assert torch.equal(tall[0, 0, :, 0], torch.tensor([0.0, 2.0, 4.0])), "shrinking takes single pixels"


def test_the_ways_to_prepare_differ_as_they_are_said_to():
    edge = torch.zeros(1, 1, 600, 600)
    edge[..., ::2] = 255.0  # stripes of one pixel: smoothing makes them gray, taking single pixels does not
    taken = tensorflow_resize(edge)
    halfway = F.interpolate(edge, (299, 299), mode="bilinear", align_corners=False)
    clean = described._pillow_resize(edge)
    middle = slice(20, -20)
    assert clean[..., middle].std() < 30 < taken[..., middle].std()
    assert (taken - halfway).abs().max() > 50
    fractions = clean * 8 % 8
    assert (fractions != 0).float().mean() > 0.5, "clean does not round after the resize"
    same = torch.rand(1, 3, 299, 299) * 255
    assert torch.equal(tensorflow_resize(same), same)
    assert torch.equal(described._pillow_resize(same), same)


def test_clean_clips_what_bicubic_overshoots():
    edge = torch.zeros(1, 1, 32, 32)
    edge[..., 16:] = 255.0
    bare = np.asarray(Image.fromarray(edge[0, 0].numpy()).resize((299, 299), Image.Resampling.BICUBIC))
    assert bare.max() > 256
    found = described._pillow_resize(edge)
    assert found.max() == 255
    assert found.min() == 0


def test_nvidias_layout_is_the_same_network(tensors, made_up_pictures):
    names = {ours: theirs for theirs, ours in _tensorflow_names()}
    assert len(names) == len(set(names.values())) == 94
    assert names["Mixed_7c.branch3x3dbl_3b"] == "mixed_10.tower_1.mixed.conv_1"
    assert names["Mixed_6a.branch3x3dbl_2"] == "mixed_3.tower.conv_1"
    kinds = {"conv.weight": "weight", "bn.bias": "beta", "bn.running_mean": "mean", "bn.running_var": "var"}
    plain, nvidia = {}, {}
    for name, value in tensors.items():
        if name.startswith("fc."):
            plain[name], nvidia[name.replace("fc.", "output.")] = value, value
            continue
        layer, _, kind = name.partition(".conv.") if ".conv." in name else name.partition(".bn.")
        kind = name.removeprefix(f"{layer}.")
        plain[name] = torch.ones_like(value) if kind == "bn.weight" else value
        if kind in kinds:
            nvidia[f"layers.{names[layer]}.{kinds[kind]}"] = value
    mine, theirs = load_inception(plain).state_dict(), load_inception(nvidia).state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    del nvidia["layers.mixed_4.tower.conv.beta"]
    with pytest.raises(GanvasError, match=r"2 names differ, 'Mixed_6b\.branch7x7_1\.bn\.bias'"):
        load_inception(nvidia)


def test_other_weights_are_refused(tensors):
    with pytest.raises(GanvasError, match="not the weights of the FID's Inception"):
        load_inception({"conv.weight": torch.zeros(1)})
    with pytest.raises(GanvasError, match=r"fc\.weight has the shape \[1000, 2048\]"):
        load_inception(tensors | {"fc.weight": torch.zeros(1000, 2048)})


# Where the weights come from


def test_offline_the_message_names_every_place_and_what_works(nowhere):
    with pytest.raises(GanvasError) as error:
        features("inception")
    for place in ("`weights=`", "GANVAS_INCEPTION", "torch/hub/checkpoints/pt_inception", "cache/downloads", "lite0"):
        assert place in str(error.value)


def test_what_is_downloaded_is_checked_by_the_published_hash(nowhere, monkeypatch):
    asked = {}

    def note(address, target, **others):
        asked.update(others, address=address, target=target)
        return target

    monkeypatch.setattr(described, "download", note)
    assert inception_file() == nowhere / "cache" / "downloads" / "weights-inception-2015-12-05-6726825d.pth"
    assert asked["checksum"].startswith("sha256:6726825d")
    assert len(asked["checksum"]) == len("sha256:") + 64


def test_weights_are_found_where_others_keep_them(nowhere, weights, monkeypatch, made_up_pictures):
    kept = nowhere / "torch" / "hub" / "checkpoints" / "pt_inception-2015-12-05-6726825d.pth"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"another file")
    assert inception_file() == kept
    with pytest.raises(GanvasError, match="is not the published file"):
        features("inception")
    kept.unlink()
    monkeypatch.setenv("GANVAS_INCEPTION", str(nowhere / "nothing"))
    with pytest.raises(GanvasError, match="GANVAS_INCEPTION names"):
        inception_file()
    monkeypatch.setenv("GANVAS_INCEPTION", str(weights))
    assert inception_file() == weights
    monkeypatch.setattr(described, "INCEPTION_SHA256", hash_of(weights))
    assert features("inception").frechet == "fid"
    assert features("inception_clean").frechet == "fid-clean"
    with pytest.raises(GanvasError, match="There is no file of weights"):
        features("inception", weights=nowhere / "nothing.pth")


def test_only_the_published_weights_make_a_fid(weights):
    assert features("inception", weights=weights).frechet == f"fd-inception-{hash_of(weights)[:8]}"
    assert mean_colours().frechet == "fd-means"


def test_weights_need_the_name_of_their_network_and_leave_a_mark_on_that_of_the_features(weights, tmp_path):
    with pytest.raises(GanvasError, match="Say by `features=` of which network these weights are"):
        features(weights=weights)
    network = EfficientNetLite()
    save_file(network.state_dict(), tmp_path / "other.safetensors")
    found = features("efficientnet_lite0", weights=tmp_path / "other.safetensors")
    assert found.frechet == f"fd-efficientnet_lite0-{hash_of(tmp_path / 'other.safetensors')[:8]}"
    assert features("efficientnet_lite0").frechet == "fd-efficientnet_lite0"


def test_the_default_fits_the_data(nowhere, weights, monkeypatch):
    colours = Dataset(np.zeros((4, 8, 8, 3), np.uint8))
    assert suggested(Digits(size=8)) == "digits"
    assert suggested(colours) == suggested() == "efficientnet_lite0"
    monkeypatch.setenv("GANVAS_INCEPTION", str(weights))
    assert suggested(colours) == "inception"
    monkeypatch.delenv("GANVAS_INCEPTION")
    monkeypatch.setattr(efficientnet, "find_spec", lambda package: None)
    judge = partial(FeatureCritic().build, (3, 64, 64), 0)
    for wanted in (partial(suggested, colours), partial(features, "efficientnet_lite0"), judge):
        with pytest.raises(GanvasError, match=r"ganvas\[measure\]"):
            wanted()


# Files of weights


@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_torch_are_read(zipped, tmp_path):
    layer = torch.nn.Conv2d(3, 4, (2, 5)).to(memory_format=torch.channels_last)
    shared = torch.arange(12.0)
    wanted = layer.state_dict() | {
        "part": shared.reshape(3, 4).T[1:, 1],
        "same": shared,
        "none": torch.empty(0, 3),
        "one": torch.tensor(7),
        "half": torch.ones(2, dtype=torch.float16),
    }
    file = tmp_path / "weights.pth"
    for kept in (wanted, {"state_dict": wanted, "epoch": 3}):
        torch.save(kept, file, _use_new_zipfile_serialization=zipped)
        found = read_weights(file)
        assert list(found) == list(wanted)
        for name, value in wanted.items():
            assert torch.equal(found[name], value)
            assert found[name].dtype == value.dtype
    save_file({"a": shared}, tmp_path / "a.safetensors")
    assert torch.equal(read_weights(tmp_path / "a.safetensors")["a"], shared)


class Evil:
    def __reduce__(self):
        return (Path.touch, (Path("evil-was-here"),))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_program_in_a_file_of_weights_is_refused_and_not_run(zipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "weights.pth"
    torch.save({"a": torch.ones(2), "b": Evil()}, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(GanvasError, match="not a dictionary of tensors"):
        read_weights(file)
    file.write_bytes(pickle.dumps(Evil(), protocol=2))
    with pytest.raises(GanvasError, match="not a dictionary of tensors") as error:
        read_weights(file)
    assert "weights_only" not in str(error.value), "torch's message tells how to run the program after all"
    assert not Path("evil-was-here").exists()


@pytest.mark.parametrize(("torch_version", "opens"), [("2.9.1+cpu", False), ("2.10.0", True)])
def test_a_torch_that_unpickles_unsafely_opens_known_files_only(torch_version, opens, tmp_path, monkeypatch):
    file, tensors = tmp_path / "a.pth", {"a": torch.ones(2)}
    torch.save(tensors, file)
    save_file(tensors, tmp_path / "a.safetensors")
    monkeypatch.setattr(torch, "__version__", TorchVersion(torch_version))
    with nullcontext() if opens else pytest.raises(GanvasError, match=r"pip install 'torch>=2.10'.*\.safetensors"):
        assert torch.equal(read_weights(file)["a"], tensors["a"])
    with nullcontext() if opens else pytest.raises(GanvasError, match="CVE-2026-24747"):
        read_weights(file, known=hash_of(tmp_path / "a.safetensors"))
    assert torch.equal(read_weights(file, known=hash_of(file))["a"], tensors["a"])
    assert torch.equal(read_weights(tmp_path / "a.safetensors")["a"], tensors["a"])
    assert features("efficientnet_lite0", device="cpu")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_damaged_file_of_weights_is_refused(zipped, tmp_path):
    file = tmp_path / "weights.pth"
    torch.save({"a": torch.ones(5000)}, file, _use_new_zipfile_serialization=zipped)
    whole = file.read_bytes()
    for length in (0, 10, 200, len(whole) // 2, len(whole) - 1000):
        file.write_bytes(whole[:length])
        with pytest.raises(GanvasError, match=r"weights|tensors"):
            read_weights(file)
    with pytest.raises(GanvasError, match="cannot be read"):
        read_weights(tmp_path / "nothing.pth")


# EfficientNet


def test_efficientnet_is_folded_without_changing_what_it_says(made_up_pictures):
    exact, fast = features("efficientnet_lite0", exact=True), features("efficientnet_lite0")
    assert exact.frechet == "fd-efficientnet_lite0"
    assert exact.sha256.startswith("57934424")
    pictures = made_up_pictures(64, 64)
    mine, quick = exact(pictures), fast(pictures)
    assert mine.shape == (2, 1280)
    assert (mine - quick).abs().max() < 1e-4 * mine.std()
    assert not torch.equal(mine, quick), "nothing was folded"
    found = torch.tensor(EFFICIENTNET["features"]).reshape(2, -1)
    assert (mine[:, :: EFFICIENTNET["every"]] - found).abs().max() < 1e-4
    assert exact.logits(mine).shape == (2, 1000)


def test_efficientnet_refuses_other_weights(tmp_path):
    save_file({"a": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(GanvasError, match=r"other\.safetensors has not the weights of EfficientNet-Lite0"):
        load_efficientnet("lite0", tmp_path / "other.safetensors")


def test_lite1_is_deeper_and_is_seen_at_four_sizes():
    network = load_efficientnet("lite1")
    assert len(network._blocks) == 21
    assert not any(weight.requires_grad for weight in network.parameters())
    x = torch.randn(2, 3, 64, 96)
    found = network.scales(x)
    assert [tuple(each.shape) for each in found] == [
        (2, channels, 64 // scale, 96 // scale) for scale, channels in [(4, 24), (8, 40), (16, 112), (32, 320)]
    ]
    last = F.relu6(network._bn1(network._conv_head(found[-1]))).mean((2, 3))
    assert torch.allclose(last, network(x), atol=1e-5), "the smallest are those that the head reads"


def test_efficientnet_pads_as_tensorflow_does():
    """A stride of 2 on an even side begins at the first pixel: a lone bright first pixel is not in the last place."""
    layer = EfficientNetLite()._conv_stem
    torch.nn.init.ones_(layer.weight)
    picture = torch.zeros(1, 3, 8, 8)
    picture[..., 2, 2] = 1.0
    lit = layer(picture)[0, 0] > 0
    assert lit.nonzero().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]


# Features of any kind


def test_the_batch_does_not_matter(made_up_pictures):
    pictures = made_up_pictures(20, 20, 5)
    alone = features("efficientnet_lite0")
    whole = alone(pictures)
    single = torch.cat([alone(pictures[place : place + 1]) for place in range(5)])
    batches = alone(iter([pictures[:2], torch.from_numpy(pictures[2:])]))
    for other in (single, batches, alone(Dataset(pictures))):
        assert (whole - other).abs().max() < 1e-5
    assert not torch.equal(whole[0], whole[1])


def test_large_sets_are_streamed_and_watched():
    told, taken = [], []

    def pictures():
        for shade in range(3):
            taken.append(shade)
            yield np.full((5, 4, 4, 3), shade, np.uint8)

    stream = mean_colours(batch=2).stream(pictures(), watch=lambda *news: told.append(news[1:]))
    assert torch.equal(next(stream), torch.zeros(2, 3))
    assert taken == [0], "a stream does not read ahead"
    assert torch.cat(list(stream))[-1].tolist() == [2.0, 2.0, 2.0]
    assert told == [(0, 0), (2, 0), (4, 0), (5, 0), (7, 0), (9, 0), (10, 0), (12, 0), (14, 0), (15, 0)]
    told.clear()
    mean_colours(batch=2)(np.zeros((3, 4, 4, 3), np.uint8), watch=lambda *news: told.append(news))
    assert told == [("Describing pictures by means", done, 3) for done in (0, 2, 3)]


def test_a_mapped_file_is_described_without_being_read_whole(tmp_path):
    np.save(tmp_path / "set.npy", np.full((4, 2, 2, 1), 9, np.uint8))
    mapped = np.load(tmp_path / "set.npy", mmap_mode="r")
    assert torch.equal(mean_colours()(mapped), torch.full((4, 3), 9.0))


def test_gray_is_repeated_and_what_is_transparent_is_white():
    gray = np.full((1, 2, 2, 1), 7, np.uint8)
    assert mean_colours()(gray).tolist() == [[7.0, 7.0, 7.0]]
    clear = np.array([10, 20, 30, 0], np.uint8) * np.ones((1, 2, 2, 1), np.uint8)
    half = np.array([0, 255, 100, 128], np.uint8) * np.ones((1, 2, 2, 1), np.uint8)
    solid = np.array([10, 20, 30, 255], np.uint8) * np.ones((1, 2, 2, 1), np.uint8)
    found = mean_colours()(np.concatenate([clear, half, solid])).tolist()
    assert found == [[255.0, 255.0, 255.0], [127.0, 255.0, 177.0], [10.0, 20.0, 30.0]]


@pytest.mark.parametrize(
    ("pictures", "words"),
    [
        (np.zeros((2, 4, 4, 2), np.uint8), "not 2"),
        (np.zeros((2, 4, 4), np.uint8), r"not of torch.uint8 \[2, 4, 4\]"),
        (np.zeros((2, 3, 4, 4), np.float32), "to_uint8"),
        (Dataset(np.zeros((5, 2), np.float32)), "points and not pictures"),
    ],
)
def test_what_is_no_picture_is_refused(pictures, words):
    with pytest.raises(GanvasError, match=words):
        mean_colours()(pictures)


def test_an_unsound_network_is_refused():
    pictures = np.zeros((2, 4, 4, 3), np.uint8)
    with pytest.raises(GanvasError, match="NaN"):
        mean_colours(run=lambda x: torch.full((len(x), 3), torch.nan))(pictures)
    with pytest.raises(GanvasError, match=r"promises 3 features and gives \[2, 4\]"):
        mean_colours(run=lambda x: torch.zeros(len(x), 4))(pictures)
    with pytest.raises(GanvasError, match="knows no classes"):
        mean_colours().logits(torch.zeros(1, 3))
    with pytest.raises(GanvasError, match="gray pictures only"):
        mean_colours(channels=1)(pictures)


def test_no_pictures_are_no_features():
    assert mean_colours()(np.zeros((0, 4, 4, 3), np.uint8)).shape == (0, 3)


def test_one_function_adds_an_extractor(registry):
    @registry.part("feature")
    def colours(request: Request) -> Extractor:
        """The mean colours."""
        return mean_colours(name="")

    found = features("colours")
    assert (found.name, found.frechet) == ("colours", "fd-colours")
    assert found.about["weights_sha256"] == "0" * 64
    assert "colours" in registry.names("feature")
    assert "The mean colours." in registry.listing("features")
    with pytest.raises(GanvasError, match="Did you mean 'colours'"):
        features("colour")
    with pytest.raises(TypeError, match="no docstring"):
        registry.part("feature")(lambda wanted: found)


# The classifier


@pytest.fixture(scope="module")
def quick():
    """A training that is long enough to read most digits."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("LEAST_SEEN", "MOST_SEEN"):
            patch.setattr(classifiers, name, 6_400)
        yield


@pytest.fixture(scope="module")
def reader(quick):
    return classifier(Digits(size=28))


def test_a_short_training_reads_most_of_the_digits_it_has_not_seen(reader):
    assert reader.held_out == 179
    assert 0.85 < reader.accuracy <= 1
    assert reader.classes == tuple("0123456789")


def test_a_classifier_takes_what_gans_make(reader):
    data = Digits(size=28).open()
    pictures = torch.from_numpy(np.array(data.samples[:200]))
    labels = reader.labels(pictures)
    assert labels.dtype == torch.int64
    assert (labels == torch.from_numpy(data.labels[:200])).double().mean() > 0.85
    floats = pixels.to_float(pictures)
    assert torch.equal(reader.labels(floats), labels)
    assert torch.equal(reader.labels(data.samples[:200]), labels)
    assert torch.equal(reader.labels(3 * floats), reader.labels((3 * floats).clamp(-1, 1))), "beyond [-1, 1] is clamped"
    larger = np.array(Digits(size=40).open().samples[:200])
    assert (reader.labels(larger) == labels).double().mean() > 0.9
    assert reader.features(pictures).shape == (200, 64)
    assert torch.equal(reader.logits(pictures), reader.head(reader.features(pictures)))
    assert reader.labels(pictures[:0]).shape == (0,)


@pytest.mark.parametrize(
    ("pictures", "words"),
    [
        (np.zeros((2, 28, 28, 3), np.uint8), "learned pictures of 1 channels and cannot label those of 3"),
        (torch.full((2, 1, 28, 28), torch.nan), "NaN"),
        (torch.zeros(2, 28, 28), r"not \[2, 28, 28\]"),
    ],
)
def test_a_classifier_refuses_what_it_does_not_know(reader, pictures, words):
    with pytest.raises(GanvasError, match=words):
        reader.labels(pictures)


def test_a_classifier_is_trained_once_and_the_same_each_time(reader, monkeypatch, tmp_path):
    monkeypatch.setattr(classifiers, "_trained", lambda *anything: pytest.fail("it was trained again"))
    known = classifier(Digits(size=28))
    assert (known.accuracy, known.held_out, known.classes) == (reader.accuracy, reader.held_out, reader.classes)
    assert sha256_of(known.state_dict()) == sha256_of(reader.state_dict())
    monkeypatch.undo()
    for name in ("LEAST_SEEN", "MOST_SEEN"):
        monkeypatch.setattr(classifiers, name, 1_280)
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path))
    data = Digits(size=28).open()
    before = torch.get_rng_state()
    first = sha256_of(classifier(data).state_dict())
    assert torch.equal(torch.get_rng_state(), before)
    file = next((tmp_path / "classifiers").iterdir())
    file.write_bytes(file.read_bytes()[:1000])
    torch.rand(7)
    assert sha256_of(classifier(data).state_dict()) == first, "a damaged file is made anew, with the same numbers"
    swapped = Dataset(data.samples, classes=data.classes, labels=(data.labels + 1) % 10)
    assert sha256_of(classifier(swapped).state_dict()) != first
    assert len(list((tmp_path / "classifiers").iterdir())) == 2


def test_a_classifier_of_colours_takes_gray_pictures_too_and_is_judged_on_what_it_is_given(monkeypatch, tmp_path):
    monkeypatch.setenv("GANVAS_CACHE", str(tmp_path))
    for name in ("LEAST_SEEN", "MOST_SEEN"):
        monkeypatch.setattr(classifiers, name, 1_280)
    red, blue = (np.tile(np.array(colour, np.uint8), (20, 16, 16, 1)) for colour in ([255, 0, 0], [0, 0, 255]))
    labels = np.repeat(np.arange(2), 20)
    data = Dataset(np.concatenate([red, blue]), classes=("red", "blue"), labels=labels)
    wrong = Dataset(data.samples[::-1].copy(), classes=("red", "blue"), labels=labels)
    assert classifier(data, held_out=data).accuracy == 1
    judged = classifier(data, held_out=wrong)
    assert (judged.accuracy, judged.held_out) == (0, 40)
    assert judged.labels(np.zeros((1, 9, 9, 1), np.uint8)).shape == (1,)
    for classes in (("blue", "red"), ("red", "blue", "green")):
        with pytest.raises(GanvasError, match="have the same classes, in one order"):
            classifier(data, held_out=Dataset(data.samples, classes=classes, labels=labels))


@pytest.mark.parametrize(
    "data",
    [
        Dataset(np.zeros((30, 8, 8, 1), np.uint8)),
        Dataset(np.zeros((30, 8, 8, 1), np.uint8), classes=("a",), labels=np.zeros(30, np.int64)),
        Dataset(np.zeros((5, 8, 8, 1), np.uint8), classes=("a", "b"), labels=np.zeros(5, np.int64)),
        Dataset(np.zeros((30, 2), np.float32), classes=("a", "b"), labels=np.zeros(30, np.int64)),
    ],
    ids=["no labels", "one class", "too few", "points"],
)
def test_a_classifier_wants_labelled_pictures(data):
    with pytest.raises(GanvasError, match="labelled pictures"):
        classifier(data)


def test_digits_are_described_by_a_classifier(reader):
    found = features("digits", data=Digits(size=28))
    pictures = np.array(Digits(size=28).open().samples[:10])
    assert torch.equal(found(pictures), reader.features(pictures))
    assert torch.equal(found.logits(found(pictures)), reader.logits(pictures))
    assert (found.frechet, found.dimension, found.sha256) == ("fd-digits", 64, sha256_of(reader.state_dict()))
    unlabelled = Dataset(pictures)
    assert features("digits", data=unlabelled).sha256 == found.sha256
    assert (found.taught, features("digits", data=unlabelled).taught) == (True, False)
    with pytest.raises(GanvasError, match="gray pictures only"):
        found(np.zeros((1, 28, 28, 3), np.uint8))
