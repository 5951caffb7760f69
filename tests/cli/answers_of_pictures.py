"""As answers.py, to the exercises about pictures, and about how good they are."""

RIGHT = {
    "block": [
        "def block(i, o, last=False):\n    up = nn.ConvTranspose2d(i, o, 4, stride=2, padding=1)\n"
        "    return nn.Sequential(up, nn.Tanh()) if last else nn.Sequential(up, nn.BatchNorm2d(o), nn.ReLU())",
        "def block(i, o, last=False):\n"
        "    layers = [nn.Upsample(scale_factor=2), nn.Conv2d(i, o, 3, padding=1, bias=False)]\n"
        "    layers += [nn.Tanh()] if last else [nn.BatchNorm2d(o), nn.ReLU(inplace=True)]\n"
        "    return nn.Sequential(*layers)",
        "class Block(nn.Module):\n    def __init__(self, i, o, last):\n        super().__init__()\n"
        "        self.up = nn.ConvTranspose2d(i, o, 4, 2, 1)\n        self.norm = None if last else nn.BatchNorm2d(o)\n"
        "    def forward(self, x):\n        x = self.up(x)\n"
        "        return x.tanh() if self.norm is None else self.norm(x).relu()\n"
        "def block(i, o, last=False):\n    return Block(i, o, last)",
    ],
    "condition": [
        "def with_class(z, labels, classes):\n"
        "    return torch.cat([z, functional.one_hot(labels, classes).float()], dim=1)\n"
        "def with_planes(x, labels, classes):\n    hot = functional.one_hot(labels, classes).float()\n"
        "    return torch.cat([x, hot[:, :, None, None].expand(-1, -1, *x.shape[2:])], 1)",
        "def with_class(z, labels, classes):\n    return torch.hstack([z, torch.eye(classes)[labels]])\n"
        "def with_planes(x, labels, classes):\n    planes = torch.zeros(len(x), classes, *x.shape[2:])\n"
        "    planes[torch.arange(len(x)), labels] = 1\n    return torch.cat((x, planes), dim=-3)",
        "def with_class(z, labels, classes):\n"
        "    return torch.cat([z, (labels[:, None] == torch.arange(classes)).to(z.dtype)], 1)\n"
        "def with_planes(x, labels, classes):\n    hot = (labels[:, None] == torch.arange(classes)).to(x.dtype)\n"
        "    return torch.cat([x, hot.view(len(x), classes, 1, 1).repeat(1, 1, x.shape[2], x.shape[3])], 1)",
    ],
    "steer": [
        "def moved(z, generator, score, rate):\n    z = z.detach().clone().requires_grad_()\n"
        "    (g,) = torch.autograd.grad(score(generator(z)).sum(), z)\n    return (z + rate * g).detach()",
        "def moved(z, generator, score, rate):\n    at = z.clone().requires_grad_(True)\n"
        "    score(generator(at)).sum().backward()\n    with torch.no_grad():\n        at += rate * at.grad\n"
        "    return at",
        "def moved(z, generator, score, rate):\n    f = lambda at: score(generator(at)).sum()\n"
        "    return z + rate * torch.func.grad(f)(z)",
    ],
    "frames": [
        "def frames(clips):\n    return clips.transpose(1, 2).flatten(0, 1)\n"
        "def score_of_clips(scores, length):\n    return scores.view(-1, length).mean(1)",
        "def frames(clips):\n    n, c, t, h, w = clips.shape\n"
        "    return clips.permute(0, 2, 1, 3, 4).reshape(n * t, c, h, w)\n"
        "def score_of_clips(scores, length):\n    return torch.stack([part.mean() for part in scores.split(length)])",
        "def frames(clips):\n    return torch.stack([clip[:, t] for clip in clips for t in range(clips.shape[2])])\n"
        "def score_of_clips(scores, length):\n    return scores.reshape(len(scores) // length, length).sum(1) / length",
    ],
    "frechet": [
        "def frechet_distance(m, a, n, b):\n    root = torch.linalg.eigvals(a @ b).sqrt().real.sum()\n"
        "    return (m - n).square().sum() + a.trace() + b.trace() - 2 * root",
        "def frechet_distance(m, a, n, b):\n    values, vectors = torch.linalg.eigh(a)\n"
        "    half = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T\n"
        "    root = torch.linalg.eigvalsh(half @ b @ half).clamp(min=0).sqrt().sum()\n"
        "    return float((m - n) @ (m - n) + torch.trace(a + b) - 2 * root)",
        "def frechet_distance(m, a, n, b):\n    m, a, n, b = (each.numpy() for each in (m, a, n, b))\n"
        "    values = np.linalg.eigvals(a @ b)\n"
        "    return np.sum((m - n) ** 2) + np.trace(a) + np.trace(b) - 2 * np.sqrt(values.real.clip(0)).sum()",
    ],
    "inception": [
        "def inception_score(p):\n    q = p.mean(0)\n"
        "    return (torch.special.xlogy(p, p) - torch.special.xlogy(p, q)).sum(1).mean().exp()",
        "def inception_score(p):\n    h = lambda p: -torch.special.xlogy(p, p).sum(-1)\n"
        "    return math.exp(h(p.mean(0)) - h(p).mean())",
        "def inception_score(p):\n    p = p.numpy()\n    q = p.mean(axis=0)\n    with np.errstate(all='ignore'):\n"
        "        kl = np.where(p > 0, p * np.log(p / q), 0).sum(axis=1)\n    return np.exp(kl.mean())",
    ],
    "auc": [
        "def auc(real, made):\n    a, b = real[:, None], made[None, :]\n"
        "    return (a > b).float().mean() + (a == b).float().mean() / 2",
        "def auc(real, made):\n    return ((real[:, None] - made).sign() + 1).mean() / 2",
        "def auc(real, made):\n    from sklearn.metrics import roc_auc_score\n"
        "    return roc_auc_score([1] * len(real) + [0] * len(made), real.tolist() + made.tolist())",
    ],
}

_UP = "def block(i, o, last=False):\n    up = nn.ConvTranspose2d(i, o, 4, 2, 1)\n"
_HOT = "hot = functional.one_hot(labels, classes).float()\n"
_CLASS = "def with_class(z, labels, classes):\n    " + _HOT + "    return torch.cat([z, hot], 1)\n"
_FRAMES = "def frames(clips):\n    return clips.transpose(1, 2).flatten(0, 1)\n"
_MEANS = "def score_of_clips(scores, length):\n    return scores.view(-1, length).mean(1)\n"


def _steer(line, take="sum"):
    return (
        "def moved(z, generator, score, rate):\n    at = z.detach().clone().requires_grad_()\n"
        f"    (g,) = torch.autograd.grad(score(generator(at)).{take}(), at)\n    {line}"
    )


def _frechet(root="2 * torch.linalg.eigvals(a @ b).sqrt().real.sum()", means="(m - n).square().sum()"):
    return f"def frechet_distance(m, a, n, b):\n    return {means} + a.trace() + b.trace() - {root}"


def _inception(line):
    return f"def inception_score(p):\n    q = p.mean(0)\n    return {line}"


def _area(line):
    return f"def auc(real, made):\n    gap = real[:, None] - made\n    return ({line}).float().mean()"


WRONG = {
    "block": [
        ("no normalisation in a block",
         _UP + "    return nn.Sequential(up, nn.Tanh() if last else nn.ReLU())"),
        ("last block has a normalisation",
         _UP + "    return nn.Sequential(up, nn.BatchNorm2d(o), nn.Tanh() if last else nn.ReLU())"),
        ("halves", "def block(i, o, last=False):\n    return nn.Conv2d(i, o, 4, 2, 1)"),
        ("as large as it is", "def block(i, o, last=False):\n    return nn.Conv2d(i, o, 3, 1, 1)"),
        ("makes 10 x 10 pixels", _UP.replace("4, 2, 1", "4, 2") + "    return up"),
        ("channels, but should give 4", _UP.replace("i, o, 4", "i, i, 4") + "    return up"),
        ("ReLU comes before", _UP
         + "    return nn.Sequential(up, nn.Tanh()) if last else nn.Sequential(up, nn.ReLU(), nn.BatchNorm2d(o))"),
        ("no sigmoid", _UP
         + "    return nn.Sequential(up, nn.Sigmoid()) if last else nn.Sequential(up, nn.BatchNorm2d(o), nn.ReLU())"),
        ("ends the last block is no tanh", _UP
         + "    return nn.Sequential(up, nn.Softsign()) if last else nn.Sequential(up, nn.BatchNorm2d(o), nn.ReLU())"),
        ("Values outside [-1, 1]",
         _UP + "    return up if last else nn.Sequential(up, nn.BatchNorm2d(o), nn.ReLU())"),
        ("below 0 come out",
         _UP + "    return nn.Sequential(up, nn.Tanh()) if last else nn.Sequential(up, nn.BatchNorm2d(o))"),
        ("not the last step before", "def block(i, o, last=False):\n    up = nn.ConvTranspose2d(i, o, 4, 2, 1)\n"
         "    return nn.Sequential(up, nn.Tanh()) if last else nn.Sequential(nn.BatchNorm2d(i), up, nn.ReLU())"),
        ("also before the normalisation", _UP + "    norm = nn.Sequential(nn.ReLU(), nn.BatchNorm2d(o), nn.ReLU())\n"
         "    return nn.Sequential(up, nn.Tanh() if last else norm)"),
        ("InstanceNorm2d", _UP + "    return nn.Sequential(up, nn.Tanh()) if last else nn.Sequential(up, "
         "nn.InstanceNorm2d(o), nn.ReLU())"),
        ("is no ReLU", _UP + "    return nn.Sequential(up, nn.Tanh()) if last else nn.Sequential(up, "
         "nn.BatchNorm2d(o), nn.Softplus())"),
        ("type list", _UP + "    return [up, nn.Tanh()] if last else [up, nn.BatchNorm2d(o), nn.ReLU()]"),
    ],
    "condition": [
        ("as one number", "def with_class(z, labels, classes):\n    return torch.cat([z, labels[:, None]], 1)"
         "\ndef with_planes(x, labels, classes):\n    return x"),
        ("class comes before z",
         f"def with_class(z, labels, classes):\n    {_HOT}    return torch.cat([hot, z], 1)"
         "\ndef with_planes(x, labels, classes):\n    return x"),
        ("as many places as classes in this batch",
         "def with_class(z, labels, classes):\n    return torch.cat([z, functional.one_hot(labels).float()], 1)"
         "\ndef with_planes(x, labels, classes):\n    return x"),
        ("out of their order", _CLASS + f"def with_planes(x, labels, classes):\n    {_HOT}"
         "    return torch.cat([x, hot.repeat(1, 12).reshape(len(x), classes, 3, 4)], 1)"),
        ("One plane holds", _CLASS + "def with_planes(x, labels, classes):\n"
         "    return torch.cat([x, labels.view(-1, 1, 1, 1).float().expand(-1, 1, 3, 4)], 1)"),
        ("class comes before the picture", _CLASS + f"def with_planes(x, labels, classes):\n    {_HOT}"
         "    return torch.cat([hot[:, :, None, None].expand(-1, -1, 3, 4), x], 1)"),
        ("Sizes of tensors", _CLASS + f"def with_planes(x, labels, classes):\n    {_HOT}"
         "    return torch.cat([x, hot[:, :, None, None].expand(-1, -1, x.shape[2], x.shape[2])], 1)"),
        ("float64", "def with_class(z, labels, classes):\n"
         "    return torch.cat([z, functional.one_hot(labels, classes).double()], 1)"
         "\ndef with_planes(x, labels, classes):\n    return x"),
    ],
    "steer": [
        ("goes down the gradient", _steer("return z - rate * g")),
        ("mean score", _steer("return z + rate * g", take="mean")),
        ("rate is not used", _steer("return z + g")),
        ("the step alone", _steer("return rate * g")),
        ("Nothing moved", _steer("return z")),
        ("Only the direction", _steer("return z + rate * g / g.norm(dim=1, keepdim=True)")),
        ("weights have changed", "def moved(z, generator, score, rate):\n    z = z.clone().requires_grad_()\n"
         "    sgd = torch.optim.SGD([z, *generator.parameters()], rate, maximize=True)\n"
         "    score(generator(z)).sum().backward()\n    sgd.step()\n    return z.detach()"),
        ("was given is changed", _steer("z += rate * g\n    return z")),
        ("`requires_grad` set", "def moved(z, generator, score, rate):\n    z.requires_grad_()\n"
         "    (g,) = torch.autograd.grad(score(generator(z)).sum(), z)\n    return z + rate * g"),
    ],
    "frames": [
        ("pieces of several",
         _MEANS + "def frames(clips):\n    n, c, t, h, w = clips.shape\n    return clips.reshape(n * t, c, h, w)"),
        ("moment by moment, the first",
         _MEANS + "def frames(clips):\n    return clips.permute(2, 0, 1, 3, 4).flatten(0, 1)"),
        ("still two axes", _MEANS + "def frames(clips):\n    return clips.transpose(1, 2)"),
        ("Channels and time are joined", _MEANS + "def frames(clips):\n    return clips.flatten(1, 2)"),
        ("taken moment by moment",
         _FRAMES + "def score_of_clips(scores, length):\n    return scores.view(length, -1).mean(0)"),
        ("mean over clips at each moment",
         _FRAMES + "def score_of_clips(scores, length):\n    return scores.view(-1, length).mean(0)"),
        ("added up", _FRAMES + "def score_of_clips(scores, length):\n    return scores.view(-1, length).sum(1)"),
        ("one number for all", _FRAMES + "def score_of_clips(scores, length):\n    return scores.mean()"),
    ],
    "frechet": [
        ("The factor 2 before", _frechet("torch.linalg.eigvals(a @ b).sqrt().real.sum()")),
        ("each entry", _frechet("2 * (a @ b).abs().sqrt().trace()")),
        ("not squared", _frechet(means="(m - n).norm()")),
        ("first term is missing", _frechet(means="0")),
        ("entry by entry: only their diagonals",
         "def frechet_distance(m, a, n, b):\n    return (m - n).square().sum() + "
         "(a.diag().sqrt() - b.diag().sqrt()).square().sum()"),
        ("not symmetric", _frechet("2 * torch.linalg.eigvalsh(a @ b).clamp(min=0).sqrt().sum()")),
        ("sum of the roots", _frechet("2 * (a @ b).trace().sqrt()")),
        ("root of A B is missing", _frechet("2 * (a @ b).trace()")),
        ("complex number", _frechet("2 * torch.linalg.eigvals(a @ b).sqrt().sum()")),
        ("The root of the whole result", _frechet().replace("return ", "return (") + ").sqrt()"),
    ],
    "inception": [
        ("mean divergence", _inception("(p * (p / q).log()).sum(1).mean()")),
        ("never below 1", _inception("(-(p * (p / q).log()).sum(1).mean()).exp()")),
        ("mean over the K", _inception("(p * (p / q).log()).mean().exp()")),
        ("are added up: they have to be averaged", _inception("(p * (p / q).log()).sum().exp()")),
        ("first the mean", _inception("(p * (p / q).log()).sum(1).exp().mean()")),
        ("for each sample", _inception("(p * (p / q).log()).sum(1).exp()")),
        ("in bits", _inception("(p * (p / q).log2()).sum(1).mean().exp()")),
        ("the mean of each row", _inception("(p * (p / p.mean(1, keepdim=True)).log()).sum(1).mean().exp()")),
        ("KL has its two sides the wrong way round", _inception("(q * (q / p).log()).sum(1).mean().exp()")),
        ("entropy of p(y) alone", _inception("(-(q * q.log()).sum()).exp()")),
        ("entropy of the rows alone", _inception("(-(p * p.log()).sum(1).mean()).exp()")),
        ("is ruled out", _inception("(p * (p / q).log()).sum(1).mean().exp()")),
    ],
    "auc": [
        ("wrong way round", _area("(gap < 0).float() + (gap == 0) / 2")),
        ("count nothing", _area("gap > 0")),
        ("count as right", _area("gap >= 0")),
        ("number of pairs", "def auc(r, m):\n    g = r[:, None] - m\n    return (g > 0).sum() + (g == 0).sum() / 2"),
        ("no scale", _area("gap")),
        ("no threshold", "def auc(r, m):\n    return torch.cat([r > 0, m <= 0]).float().mean()"),
        ("picture by picture", "def auc(r, m):\n    m = m[: len(r)]\n    return ((r > m) + (r == m) / 2).mean()"),
        ("for each real", "def auc(r, m):\n    g = r[:, None] - m\n    return ((g > 0) + (g == 0) / 2).mean(1)"),
        ("for each pair", "def auc(r, m):\n    g = r[:, None] - m\n    return (g > 0) + (g == 0) / 2"),
    ],
}  # fmt: skip
