"""The list of exercises; it imports nothing heavy, so that `ganvas learn` can list them quickly."""

from dataclasses import dataclass
from pathlib import Path

from ...core.errors import NotFound

__all__ = ["BEGUN", "EXERCISES", "Exercise", "exercise"]

BEGUN = Path(__file__).parent / "begun"


@dataclass(frozen=True)
class Exercise:
    """One exercise: a file with a hole, and where Ganvas uses what it teaches."""

    number: int
    name: str
    title: str
    chapter: str
    """The file name of the chapter in docs/course, without its ending."""
    learned: str
    """What is said once the answer is right: where the same thing appears in Ganvas."""

    @property
    def file(self) -> str:
        """The name of the file that the learner fills in."""
        return f"{self.number:02}_{self.name}.py"

    @property
    def begun(self) -> str:
        """The text of that file as the learner gets it."""
        return (BEGUN / f"{self.file}.txt").read_text(encoding="utf-8")


EXERCISES = (
    Exercise(
        1, "kl", "The KL term in the loss of a variational autoencoder", "generative",
        "`ganvas train vae` adds this to its loss; `--set game.beta=4` gives it four times the weight.",
    ),
    Exercise(
        2, "entropy", "Entropy and cross entropy in bits", "information",
        "A classifier's loss is the cross entropy of the truth and of what it believes; with two classes it is BCE.",
    ),
    Exercise(
        3, "critic_loss", "The critic's loss", "players",
        "`ganvas show nonsaturating` is twice this loss, without the half; it is called after the generator's.",
    ),
    Exercise(
        4, "generator_loss", "The generator's loss", "players",
        "`ganvas show minimax` has the other form, which saturates; docs_src/why/saturation.py shows how.",
    ),
    Exercise(
        5, "step", "One step of a GAN", "players",
        "This is a complete GAN. `ganvas train mlp_gan` takes 6,250 such steps.",
    ),
    Exercise(
        6, "wasserstein", "The Wasserstein loss", "distance",
        "Without a bound on the critic's slope, this loss runs away: the next exercise is such a bound.",
    ),
    Exercise(
        7, "penalty", "The gradient penalty of WGAN-GP", "distance",
        "`ganvas train wgan_gp` uses it; `critic.slope` in the log is the slope that it pulls towards 1.",
    ),
    Exercise(
        8, "block", "The block that a DCGAN's generator is built of", "pictures",
        "`ganvas train dcgan` stacks four of these on a first block.",
    ),
    Exercise(
        9, "condition", "Telling both players which class is meant", "asked",
        "`ganvas train cgan`, then `ganvas sample RUN --label 7`, does this with digits.",
    ),
    Exercise(
        10, "steer", "Changing what a trained generator draws, without training", "asked",
        "`ganvas edit RUN --direction area --gradient` takes such steps, and can keep fixed what should stay.",
    ),
    Exercise(
        11, "frames", "Judging clips with a critic of single frames", "moving",
        "`ganvas train moving_digits` has such a critic of frames, next to one that sees whole clips.",
    ),
    Exercise(
        12, "frechet", "The Fréchet distance, the figure behind the FID", "measured",
        "`ganvas evaluate RUN` reports it with its error; only on Inception's features may it be called FID.",
    ),
    Exercise(
        13, "inception", "The Inception score", "measured",
        "`ganvas evaluate RUN --features digits` reports it for digits. It never looks at the data.",
    ),
    Exercise(
        14, "auc", "The AUC: how well fake and real are told apart", "measured",
        "`ganvas inspect RUN` reports it with its interval; `ganvas quiz RUN` measures visitors by the same figure.",
    ),
    Exercise(
        15, "bayes", "Bayes' rule: a model that draws, turned into one that classifies", "generative",
        "docs_src/why/kinds.py classifies digits this way, with a Gaussian for each of the ten.",
    ),
    Exercise(
        16, "earth", "The earth mover's distance", "distance",
        "On a line, sorting is enough; docs_src/why/distance.py shows that a Wasserstein critic finds the same number.",
    ),
    Exercise(
        17, "modes", "How many modes are left", "distance",
        "docs_src/why/collapse.py counts so. In `ganvas evaluate RUN` of a `ring` one good sample is enough; "
        "`ganvas doctor RUN` looks for missing modes where nobody knows them.",
    ),
    Exercise(
        18, "mismatch", "A critic that reads the words", "asked",
        "`--set game.mismatch=1` adds such a term; the recipe `keyword_icons` has it by default.",
    ),
)  # fmt: skip


def exercise(asked: str) -> Exercise:
    """The exercise with this number or name.

    Raises:
        NotFound: there is none; the message says which there are.
    """
    for each in EXERCISES:
        if asked in {str(each.number), each.name}:
            return each
    raise NotFound(f"There is no exercise {asked!r}. They go from 1 to {len(EXERCISES)}; `ganvas learn` lists them.")
