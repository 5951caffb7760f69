"""Types of requests and responses: strict, and no other fields are allowed."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "Around", "Between", "Breed", "Create", "Draw", "Drawn", "Failure", "Job", "JobAsk", "Kept", "Longer", "Model",
    "Place", "Places", "Plan", "PlaneAsk", "PlaneChange", "PlaneStart", "Planned", "Run", "Set", "SetPicture", "State",
    "Train", "Uploaded",
]  # fmt: skip

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Text = Annotated[str, Field(max_length=200)]
Seed = Annotated[int, Field(ge=0, lt=2**53)]
Setting = Annotated[str, Field(min_length=3, max_length=200)]


class Shape(BaseModel):
    """Base of all requests."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Error(_Answer):
    code: str
    message: str
    field: str | None


class Failure(_Answer):
    """The body of every status from 400 on."""

    error: _Error


class Place(Shape):
    """Everything that specifies one picture: a seed or a latent, and optional fields."""

    seed: Seed | None = None
    latent: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    words: Text | None = None
    variety: Annotated[float, Field(ge=0, le=4)] | None = None
    truncation: Annotated[float, Field(ge=0, le=1)] | None = None
    moves: Annotated[dict[Text, Annotated[float, Field(ge=-6, le=6)]], Field(max_length=8)] | None = None
    parents: Annotated[list[Annotated[str, Field(max_length=2000)]], Field(max_length=8)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "Place":
        if (self.seed is None) == (self.latent is None):
            raise ValueError("A place has a seed or a latent, one of the two.")
        return self


class Draw(Shape):
    """Pictures to draw."""

    model: Name
    places: Annotated[list[Place], Field(min_length=1, max_length=64)]
    stream: Text = ""


class _Picture(_Answer):
    url: str
    place: dict[str, Any]
    added: list[str]


class Drawn(_Answer):
    """Their URLs."""

    fp: str
    unknown: list[str]
    pictures: list[_Picture]


class Around(Shape):
    """Places near one."""

    model: Name
    place: Place
    k: Annotated[float, Field(ge=0, le=4)] = 0.35
    seed: Seed = 0


class Breed(Shape):
    """Places from two."""

    model: Name
    a: Place
    b: Place
    seed: Seed = 0


class Between(Shape):
    """Places on the way through several."""

    model: Name
    stops: Annotated[list[Place], Field(min_length=2, max_length=32)]
    frames: Annotated[int, Field(ge=2, le=64)]
    loop: bool = False
    eased: bool = True


class Places(_Answer):
    """Places that were made."""

    places: list[dict[str, Any]]


class _Direction(_Answer):
    name: str
    impurity: dict[str, float]


class Model(_Answer):
    """A trained model."""

    name: str
    fp: str
    shape: list[int]
    kind: Literal["pictures", "clips", "points"]
    told: Literal["labels", "keywords"] | None
    classes: list[str]
    words: int
    variety: float | None
    styles: list[str]
    examples: list[str]
    directions: list[_Direction] | None
    card: str
    licence: str
    shipped: bool


class State(_Answer):
    """The state of the studio."""

    version: str
    workspace: str
    models: list[Model]
    ready: bool
    extras: dict[str, bool]
    machine: str
    active: str | None


class _ModelName(Shape):
    name: Text
    fp: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class _KeptPlace(Shape):
    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    model: _ModelName
    place: Place
    parents: Annotated[list[Text], Field(max_length=8)]
    name: Text | None = None
    kept: Text


class Kept(Shape):
    """The kept pictures."""

    version: Literal[1]
    places: Annotated[list[_KeptPlace], Field(max_length=5000)]
    order: Annotated[list[Text], Field(max_length=5000)]


class Create(Shape):
    """A set to create, or a folder to read where it is."""

    name: Name
    folder: Annotated[str, Field(min_length=1, max_length=1000)] | None = None


class Uploaded(_Answer):
    """The number of bytes received."""

    bytes: int


class Set(_Answer):
    """A set of pictures."""

    name: str
    source: str
    state: Literal["uploading", "reading", "ready", "failed"]
    done: int
    total: int
    error: str | None
    count: int
    sizes: list[dict[str, int]]
    modes: list[dict[str, Any]]
    shape: list[int] | None
    classes: list[str]
    keywords: list[dict[str, Any]]
    rare: list[str]
    wordless: int
    skipped: list[dict[str, Any]]
    twins: list[list[str]]
    drawn: bool
    own: bool


class SetPicture(_Answer):
    """A picture of a set."""

    name: str
    url: str
    as_learned: str


class Plan(Shape):
    """A training to plan."""

    source: Annotated[str, Field(min_length=1, max_length=80)]
    size: Annotated[int, Field(ge=8, le=1024)] | None = None
    from_: Name | None = Field(None, alias="from")
    settings: Annotated[list[Setting], Field(max_length=40)] = Field(default_factory=list)
    tiles: bool = False

    @model_validator(mode="after")
    def _one_beginning(self) -> "Plan":
        if self.tiles and self.from_:
            raise ValueError("Tiles have a recipe of their own: ask for them, or name a model to start from.")
        return self


class Planned(_Answer):
    """The planned training."""

    recipe: dict[str, Any]
    command: str
    warnings: list[str]


class Longer(Shape):
    """How long to train, or how much longer."""

    minutes: Annotated[float, Field(gt=0, le=100_000)] | None = None
    images: Annotated[int, Field(ge=1, le=10**10)] | None = None

    @model_validator(mode="after")
    def _one_length(self) -> "Longer":
        if (self.minutes is None) == (self.images is None):
            raise ValueError("Say how long to train: minutes or images, one of the two.")
        return self


class Train(Plan, Longer):
    """A training to start."""

    name: Name
    seed: Seed = 0
    device: Annotated[str, Field(pattern=r"^(cpu|cuda(:[0-9]{1,2})?|mps)$")] | None = None
    auto: bool = False


class Run(_Answer):
    """A training."""

    name: str
    state: Literal["queued", "starting", "training", "paused", "finished", "ended early", "failed", "elsewhere"]
    phase: dict[str, Any] | None
    images: int
    wanted: int
    seconds: float
    left: float | None
    speed: float | None
    complaints: list[dict[str, Any]]
    healthy: str | None
    mends: list[str]
    sheets: list[int]
    best: dict[str, Any] | None
    error: str | None
    command: str
    about: str
    recipe: dict[str, Any]
    source: str


Upload = Annotated[str, Field(min_length=1, max_length=64)]
Scale = Annotated[int, Field(ge=1, le=8)]


class JobAsk(Shape):
    """A job to start; which fields are needed depends on the kind."""

    kind: Literal[
        "directions", "project", "edit-gradient", "evaluate", "compare", "inspect", "film", "morph", "sheet",
        "svg", "pictures", "publish", "onnx", "page",
    ]  # fmt: skip
    model: Name | None = None
    run: Annotated[str, Field(pattern=r"^(runs/)?[A-Za-z0-9][A-Za-z0-9._-]{0,63}(/best)?$")] | None = None
    a: Name | None = None
    b: Name | None = None
    place: Place | None = None
    places: Annotated[list[Place], Field(min_length=1, max_length=200)] | None = None
    stops: Annotated[list[Place], Field(min_length=2, max_length=32)] | None = None
    scale: Scale | None = None
    columns: Annotated[int, Field(ge=1, le=40)] | None = None
    seconds: Annotated[float, Field(ge=0.5, le=60)] | None = None
    loop: bool = False
    eased: bool = True
    format: Literal["gif", "webp", "mp4"] = "gif"
    seed: Annotated[int, Field(ge=0, le=63)] | None = None
    goals: Annotated[dict[Text, Annotated[float, Field(ge=-3, le=3)]], Field(min_length=1, max_length=8)] | None = None
    without: Annotated[list[Text], Field(max_length=30)] | None = None
    upload: Upload | None = None
    uploads: Annotated[list[Upload], Field(max_length=100)] | None = None
    words: Text | None = None
    steps: Annotated[int, Field(ge=10, le=400)] = 120
    pixels: bool = False
    set: Name | None = None
    held_out: Name | None = None
    count: Annotated[int, Field(ge=100, le=10_000)] = 1000
    about: Annotated[str, Field(max_length=4000)] = ""

    @model_validator(mode="after")
    def _whole(self) -> "JobAsk":
        needs = {
            "directions": ("model",), "onnx": ("model",), "page": ("model",), "pictures": ("model", "places"),
            "sheet": ("model", "places"), "svg": ("model", "places"), "morph": ("model", "stops", "seconds"),
            "film": ("run",), "publish": ("run",), "inspect": ("run",), "evaluate": ("run",), "compare": ("a", "b"),
            "project": ("model", "upload"), "edit-gradient": ("model", "place", "goals"),
        }  # fmt: skip
        for name in needs[self.kind]:
            if getattr(self, name) is None:
                raise ValueError(f"A job of this kind needs {name!r}.")
        return self


class _File(_Answer):
    url: str
    name: str
    bytes: int


class Job(_Answer):
    """A job."""

    id: str
    kind: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    what: str
    done: int
    total: int
    command: str
    error: str | None
    files: list[_File]


Coordinate = Annotated[float, Field(ge=-1.5, le=1.5)]
Loss = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[a-z_]+$")]
R1 = Annotated[float, Field(ge=0, le=10)]
Speed = Annotated[float, Field(ge=0, le=1000)]


class PlaneAsk(Shape):
    """A playground to start."""

    shape: Literal["ring", "grid", "line", "two", "spiral", "drawn"]
    points: (
        Annotated[
            list[Annotated[list[Coordinate], Field(min_length=2, max_length=2)]], Field(min_length=16, max_length=2000)
        ]
        | None
    ) = None
    loss: Loss
    r1: R1
    seed: Seed = 0
    speed: Speed | None = None

    @model_validator(mode="after")
    def _drawn(self) -> "PlaneAsk":
        if (self.shape == "drawn") != (self.points is not None):
            raise ValueError("Points are given for the shape 'drawn', and for no other.")
        return self


class PlaneChange(Shape):
    """New settings of a playground."""

    loss: Loss | None = None
    r1: R1 | None = None
    speed: Speed | None = None


class PlaneStart(_Answer):
    """A playground that has started."""

    id: str
    data: str
    spots: int
