"""What exercises there are; nothing here is heavy, as `ganvas learn` lists them."""

from dataclasses import dataclass
from pathlib import Path

from ...core.errors import NotFound

__all__ = ["BEGUN", "EXERCISES", "Exercise", "exercise"]

BEGUN = Path(__file__).parent / "begun"


@dataclass(frozen=True)
class Exercise:
    """One exercise: a file with a hole, and what it was good for."""

    number: int
    name: str
    title: str
    chapter: str
    """The page of the course, without its ending."""
    learned: str
    """What is said once the answer is right: where the thing is met in Ganvas."""

    @property
    def file(self) -> str:
        """The name of the file that a learner fills."""
        return f"{self.number:02}_{self.name}.py"

    @property
    def begun(self) -> str:
        """That file as it begins."""
        return (BEGUN / f"{self.file}.txt").read_text(encoding="utf-8")


EXERCISES = (
    Exercise(
        1, "kl", "What a variational autoencoder pays for its codes", "generative",
        "`ganvas train vae` adds this to its loss; `--set game.beta=4` makes it dearer.",
    ),
    Exercise(
        2, "entropy", "How many bits something takes", "information",
        "A classifier's loss is the cross entropy of what is and what it believes; with two classes it is BCE.",
    ),
    Exercise(
        3, "critic_loss", "What the critic makes smaller", "players",
        "`ganvas show nonsaturating` is this loss, by the name of the generator's half.",
    ),
    Exercise(
        4, "generator_loss", "What the generator makes smaller", "players",
        "`ganvas show minimax` has the other form, which starves; docs_src/why/saturation.py shows it.",
    ),
    Exercise(
        5, "step", "One step of a GAN", "players",
        "This is a whole GAN. `ganvas train mlp_gan` takes 6,250 such steps.",
    ),
    Exercise(
        6, "wasserstein", "A distance as the loss", "distance",
        "Without a bound on the slope it runs away: that is the next exercise.",
    ),
    Exercise(
        7, "penalty", "The gradient penalty of WGAN-GP", "distance",
        "`ganvas train wgan_gp` has it; the log's `critic.slope` is the slope that it brings to 1.",
    ),
    Exercise(
        8, "block", "The block that a DCGAN is built of", "pictures",
        "`ganvas train dcgan` stacks four of them on a first one.",
    ),
    Exercise(
        9, "condition", "Telling both players which class is meant", "asked",
        "`ganvas train cgan` and then `ganvas sample RUN --label 7` is this on digits.",
    ),
    Exercise(
        10, "steer", "Changing what a trained generator draws", "asked",
        "`ganvas edit RUN --direction warmth --gradient` takes such steps, and holds what is to stay.",
    ),
    Exercise(
        11, "frames", "A critic of frames, for clips", "moving",
        "`ganvas train moving_digits` has such a critic of frames beside one that sees whole clips.",
    ),
    Exercise(
        12, "frechet", "The Fréchet distance, the figure behind the FID", "measured",
        "`ganvas evaluate RUN` gives it with its error; on other features than Inception's it is no FID.",
    ),
    Exercise(
        13, "inception", "The Inception score, and whom it takes for perfect", "measured",
        "`ganvas evaluate RUN --features digits` gives it for digits; it never looks at the data.",
    ),
    Exercise(
        14, "auc", "How well fake and real are told apart", "measured",
        "`ganvas inspect RUN` gives it with its interval, and `ganvas quiz RUN` measures a visitor by the same.",
    ),
    Exercise(
        15, "bayes", "A model that can draw, turned round to tell", "generative",
        "docs_src/why/kinds.py reads digits in this way, by a Gaussian of each.",
    ),
    Exercise(
        16, "earth", "The earth mover's distance", "distance",
        "Along a line one can sort; docs_src/why/distance.py shows that a Wasserstein critic finds the same number.",
    ),
    Exercise(
        17, "modes", "How many modes are left", "distance",
        "`ganvas train ring` is scored by it, and `ganvas doctor RUN` looks for missing modes where nobody knows them.",
    ),
    Exercise(
        18, "mismatch", "A critic that reads the words", "asked",
        "`--set game.mismatch=1` is this term, which `keyword_icons` has by itself.",
    ),
)  # fmt: skip


def exercise(asked: str) -> Exercise:
    """The exercise of this number or name.

    Raises:
        NotFound: there is none; the message says what there is.
    """
    for each in EXERCISES:
        if asked in {str(each.number), each.name}:
            return each
    raise NotFound(f"There is no exercise {asked!r}; there are 1 to {len(EXERCISES)}: `ganvas learn` lists them.")
