"""Advice: the one setting that most likely fixes a problem, given the recipe that has it.

benchmarks/doctor.py measures how often it does; docs/doctor.md has the table. Without a recipe, the answer is what
helps most often.
"""

from collections.abc import Iterable
from typing import Any

import torch

from ..core.batch import Kind, kind_of
from ..core.errors import GanvasError
from ..learning.adversarial import Adversarial
from ..learning.losses import Wasserstein
from ..learning.schedules import Value, at
from ..recipes.recipe import Recipe

__all__ = ["advice"]

APART = 3.0  # largest accepted ratio of the players' rates
LOUD, HEAVY, SPARSE = 0.5, 100.0, 0.6  # noise, penalty weights and dropout that blind a critic
SAFE_RATE = 5e-4  # of Adam: below it a GAN's rate is seldom the problem
WILD_RATE = 1e-2  # above it the rate is almost certainly the problem
MOMENTUM = 0.7  # of Adam; a GAN does not tolerate more
LEAST_LATENT, LATENT = 8, 64  # the least numbers of z there should be, and plenty
STEPS = 1000  # enough for even a small network to learn something


def advice(kind: str, recipe: Recipe | None) -> str | None:
    """The setting for this kind of problem, as `recipe.change` takes it; None if no setting fixes it."""
    tried = {
        "diverged": (_much_slower, _bound, _slower),
        "exploding": (_much_slower, _bound, _slower),
        "fast": (_slower,),
        "dead": (_seeing, _slower),
        "blind": (_seeing, _lighter),
        "sure": (_alike_rates, _penalty, _noise, _augment),
        "alike": (_alike_rates, _brake, _penalty, _relativistic, _slower),
        "missing": (_room, _alike_rates, _penalty, _relativistic, _slower),
        "swings": (_alike_rates, _calm, _penalty, _slower),
        "deaf": (_reading,),
        "by heart": (_augment,),
        "copies": (_augment,),
        "short": (_longer,),
    }
    for each in tried.get(kind, ()):
        if found := each(recipe):
            return found
    return None


def _slower(recipe: Recipe | None) -> str:
    """A quarter of the rate for the player with the highest one, and at most `SAFE_RATE`."""
    rates = {} if recipe is None else {"optimizer": recipe.optimizer}
    rates |= {f"optimizers.{name}": each for name, each in recipe.optimizers.items()} if recipe else {}
    known = {name: _peak(each.rate) for name, each in rates.items() if hasattr(each, "rate")}
    if not known:
        return "optimizer.rate=1e-4"
    name = max(known, key=known.__getitem__)
    return f"{name}.rate={min(known[name] / 4, SAFE_RATE):.2g}"


def _much_slower(recipe: Recipe | None) -> str | None:
    rates = [getattr(recipe.optimizer_of(name), "rate", 0.0) for name in recipe.networks] if recipe else []
    return _slower(recipe) if rates and max(map(_peak, rates)) > WILD_RATE else None


def _peak(value: Value) -> float:
    """The largest value of a schedule at its beginning, middle and end."""
    return max(at(value, progress) for progress in (0.0, 0.5, 1.0))


def _alike_rates(recipe: Recipe | None) -> str | None:
    """The fastest critic's optimizer for a generator with a much higher or lower rate than that critic."""
    game = _game(recipe)
    if recipe is None or game is None:
        return None
    rates = {name: _peak(getattr(recipe.optimizer_of(name), "rate", 0.0)) for name in (*game.critics, "generator")}
    fastest = max(game.critics, key=rates.__getitem__)
    pair = sorted((rates["generator"], rates[fastest]))
    return f"optimizers.generator={_like(recipe, fastest)}" if pair[0] and pair[1] > APART * pair[0] else None


def _like(recipe: Recipe, player: str) -> str:
    """The optimizer of a player, written as a setting."""
    optimizer: Any = recipe.optimizer_of(player)
    name = type(optimizer).__name__.lower()
    settings = {"rate": _peak(optimizer.rate)}
    settings |= {each: _peak(getattr(optimizer, each)) for each in ("beta1", "beta2") if hasattr(optimizer, each)}
    return f"{name}({', '.join(f'{each}={value:g}' for each, value in settings.items())})"


def _penalty(recipe: Recipe | None) -> str | None:
    """A gradient penalty, if the critics have none and their networks allow one."""
    game = _game(recipe)
    if game is None or recipe is None:
        return None
    if any(_peak(weight) for weight in (game.r1, game.r2, game.gradient_penalty)) or _mixes(recipe, game.critics):
        return None
    return _bound(recipe) or "game.r1=1"


def _bound(recipe: Recipe | None) -> str | None:
    """The missing Lipschitz bound of a Wasserstein critic: its loss is the distance only if its slope is at most 1."""
    game = _game(recipe)
    if game is None or recipe is None or not isinstance(game.loss, Wasserstein):
        return None
    if game.clip is not None or _peak(game.gradient_penalty):
        return None
    return "game.clip=0.01" if _mixes(recipe, game.critics) else "game.gradient_penalty=10"


def _room(recipe: Recipe | None) -> str | None:
    """More latent dimensions, for variety: samples from two form a surface, from one a curve."""
    latent = getattr(recipe.networks[recipe.product], "latent", LATENT) if recipe else LATENT
    return f"{recipe.product}.latent={LATENT}" if recipe and latent < LEAST_LATENT else None


def _relativistic(recipe: Recipe | None) -> str | None:
    game = _game(recipe)
    return "game.loss=relativistic" if recipe is None or (game and not game.loss.paired) else None


def _noise(recipe: Recipe | None) -> str | None:
    """Fading instance noise for a critic that is always right (Sonderby et al. 2017, arXiv:1610.04490)."""
    game = _game(recipe)
    return "game.noise=linear(0.3, 0)" if game and not _peak(game.noise) else None


def _augment(recipe: Recipe | None) -> str | None:
    """Augmentation if there is none; if there is only translation, the default one with colours and cutout."""
    game = _game(recipe)
    if recipe is not None and (game is None or recipe.data.kind is Kind.POINTS):
        return None
    now = game.augment if game else None
    return None if now and (now.cutout or now.colour) else "game.augment=augment"


def _calm(recipe: Recipe | None) -> str | None:
    """No momentum: with it, two players that chase each other go in circles (Gidel 2019, arXiv:1807.04740)."""
    optimizer: Any = recipe.optimizer if recipe else None
    return "optimizer.beta1=0" if hasattr(optimizer, "beta1") and _peak(optimizer.beta1) else None


def _brake(recipe: Recipe | None) -> str | None:
    """No momentum if there is as much as for other kinds of networks, which is too much for a GAN."""
    optimizer: Any = recipe.optimizer if recipe else None
    return _calm(recipe) if _peak(getattr(optimizer, "beta1", 0.0)) > MOMENTUM else None


def _seeing(recipe: Recipe | None) -> str | None:
    """The setting that keeps a critic from seeing differences, put right."""
    game = _game(recipe)
    if game is None or recipe is None:
        return None
    if _peak(game.noise) >= LOUD:
        return "game.noise=0"
    for name in ("r1", "r2", "gradient_penalty"):
        if _peak(getattr(game, name)) >= HEAVY:
            return f"game.{name}={1 if name != 'gradient_penalty' else 10}"
    for critic in game.critics:
        if getattr(recipe.networks[critic], "dropout", 0.0) >= SPARSE:
            return f"{critic}.dropout=0"
    return None


def _lighter(recipe: Recipe | None) -> str | None:
    """A gradient penalty reduced to a tenth."""
    game = _game(recipe)
    for name in ("r1", "r2", "gradient_penalty") if game else ():
        if weight := _peak(getattr(game, name)):
            return f"game.{name}={weight / 10:.2g}"
    return None


def _reading(recipe: Recipe | None) -> str | None:
    """Make a critic use its condition: by mismatched pictures, or else by a projection."""
    game = _game(recipe)
    if game is None or recipe is None or recipe.condition is None:
        return None
    if not _peak(game.mismatch):
        return "game.mismatch=1"
    told = [each for each in game.critics if getattr(recipe.networks[each], "projection", True) is False]
    return f"{told[0]}.projection=True" if told else None


def _longer(recipe: Recipe | None) -> str | None:
    return f"images={STEPS * recipe.batch}" if recipe else None


def _game(recipe: Recipe | None) -> Adversarial | None:
    return recipe.game if recipe and isinstance(recipe.game, Adversarial) else None


def _mixes(recipe: Recipe, critics: Iterable[str]) -> bool:
    """Whether a critic's batch norm rules out gradient penalties; built on the meta device; assumed if that fails."""
    size: Any = getattr(recipe.data, "size", None)
    width, height = size if isinstance(size, tuple) else (size, size)
    shape = (getattr(recipe.data, "channels", 3), height, width) if size else (2,)
    if kind_of(shape) != recipe.data.kind:
        return True
    try:
        with torch.device("meta"):
            built: list[Any] = [recipe.networks[critic].build(shape, 0) for critic in critics]
    except (GanvasError, RuntimeError):
        return True
    return any(getattr(each, "mixes_samples", True) for each in built)
