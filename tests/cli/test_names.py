"""A name that is nearly right is answered by the right one."""

import pytest


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["train", "PICTURS"], "'PICTURES'"),
        (["train", "dcgn"], "the recipe 'dcgan'"),
        (["train", "digts"], "'digits'"),
        (["train", "digits", "--set", "generator.widht=3"], "'width'"),
        (["show", "wgn_gp"], "'wgan_gp'"),
        (["sample", "icns"], "'icons'"),
        (["edit", "icons", "--direction", "warmht"], "'warmth'"),
    ],
)
def test_a_name_that_is_nearly_right(ganvas, tmp_path, words, meant):
    (tmp_path / "PICTURES").mkdir()
    code, _, err = ganvas(*words)
    assert code == 1
    assert err.startswith("ganvas: There is no " if words[0] != "edit" else "ganvas: This model has no ")
    assert f"Did you mean {meant}?" in err


@pytest.mark.parametrize("command", ["sample", "doctor", "watch", "report", "film", "evaluate"])
def test_a_run_that_is_called_as_its_pictures_are(ganvas, tmp_path, command):
    """The run of `my cats` is runs/my-cats."""
    (tmp_path / "runs" / "my-cats").mkdir(parents=True)
    (tmp_path / "runs" / "my-cats" / "run.json").write_text("{}")
    code, _, err = ganvas(command, "runs/my cats")
    assert code == 1
    assert err.startswith("ganvas: There is no ")
    assert "Did you mean 'runs/my-cats'?" in err


@pytest.mark.parametrize("command", ["sample", "doctor", "watch", "report", "film"])
def test_pictures_that_are_named_for_their_run(ganvas, tmp_path, command):
    (tmp_path / "my cats").mkdir()
    (tmp_path / "runs" / "my-cats").mkdir(parents=True)
    (tmp_path / "runs" / "my-cats" / "run.json").write_text("{}")
    code, _, err = ganvas(command, "my cats")
    assert code == 1
    assert "Did you mean 'runs/my-cats'?" in err


@pytest.mark.parametrize("words", [["train", "my", "cats"], ["sample", "icons", "--keywords", "red", "heart"]])
def test_words_that_want_quotes(ganvas, words):
    code, _, err = ganvas(*words)
    assert code == 2
    assert "Put quotes around a name, or words, with spaces" in " ".join(err.replace("│", " ").split())
