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
