"""Answers to the exercises of the course, as people write them: right ones, and wrong ones with what they are told."""

RIGHT = {
    "kl": [
        "def kl(mean, log_variance):\n    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=1)",
        "def kl(m, l):\n    return -0.5 * torch.sum(1 + l - m.pow(2) - torch.exp(l), -1)",
        "def kl(m, l):\n    from torch.distributions import Normal, kl_divergence\n"
        "    return kl_divergence(Normal(m, (l / 2).exp()), Normal(0.0, 1.0)).sum(1)",
    ],
    "entropy": [
        "def cross_entropy(p, q):\n    return -torch.where(p > 0, p * q.log2(), 0).sum()\n"
        "def entropy(p):\n    return -torch.where(p > 0, p * p.clamp(min=1e-30).log2(), 0).sum()",
        "def cross_entropy(p, q):\n    return -torch.special.xlogy(p, q).sum() / math.log(2)\n"
        "def entropy(p):\n    return cross_entropy(p, p)",
        "def cross_entropy(p, q):\n"
        "    return sum(-a * math.log2(b) for a, b in zip(p.tolist(), q.tolist()) if a)\n"
        "def entropy(p):\n    return cross_entropy(p, p)",
        "def cross_entropy(p, q):\n    q = q[p > 0]\n    p = p[p > 0]\n    return -(p * torch.log2(q)).sum()\n"
        "def entropy(p):\n    return np.float64(cross_entropy(p, p))",
    ],
    "critic_loss": [
        "def critic_loss(critic, real, fake):\n    real, fake = critic(real), critic(fake.detach())\n"
        "    bce = functional.binary_cross_entropy_with_logits\n"
        "    return (bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake))) / 2",
        "def critic_loss(critic, real, fake):\n    softplus = functional.softplus\n"
        "    return 0.5 * (softplus(-critic(real)).mean() + softplus(critic(fake.detach())).mean())",
        "def critic_loss(critic, real, fake):\n    bce = nn.BCELoss()\n    with torch.no_grad():\n"
        "        fake = fake.clone()\n    d = lambda x: critic(x).sigmoid()\n"
        "    return (bce(d(real), torch.ones(len(real), 1)) + bce(d(fake), torch.zeros(len(fake), 1))) / 2",
        "def critic_loss(critic, real, fake):\n    both = critic(torch.cat([real, fake.detach()]))\n"
        "    called = torch.cat([torch.ones(len(real), 1), torch.zeros(len(fake), 1)])\n"
        "    return functional.binary_cross_entropy_with_logits(both, called)",
    ],
    "generator_loss": [
        "def generator_loss(critic, fake):\n    logits = critic(fake)\n"
        "    return functional.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))",
        "def generator_loss(critic, fake):\n    return -torch.log(torch.sigmoid(critic(fake))).mean()",
        "def generator_loss(critic, fake):\n    return functional.softplus(-critic(fake)).sum() / len(fake)",
    ],
    "step": [
        "def step(generator, critic, generator_optimizer, critic_optimizer, real, z):\n"
        "    critic_optimizer.zero_grad()\n    critic_loss(critic, real, generator(z).detach()).backward()\n"
        "    critic_optimizer.step()\n    generator_optimizer.zero_grad()\n"
        "    generator_loss(critic, generator(z)).backward()\n    generator_optimizer.step()",
        "def step(generator, critic, generator_optimizer, critic_optimizer, real, z):\n    fake = generator(z)\n"
        "    loss = critic_loss(critic, real, fake)\n    critic_optimizer.zero_grad()\n"
        "    loss.backward(inputs=list(critic.parameters()), retain_graph=True)\n    critic_optimizer.step()\n"
        "    loss = generator_loss(critic, fake)\n    generator_optimizer.zero_grad()\n    loss.backward()\n"
        "    generator_optimizer.step()",
        "def step(g, c, of_g, of_c, real, z):\n    with torch.no_grad():\n        fake = g(z)\n"
        "    for loss, of in ((lambda: critic_loss(c, real, fake), of_c), (lambda: generator_loss(c, g(z)), of_g)):\n"
        "        for each in (*g.parameters(), *c.parameters()):\n            each.grad = None\n"
        "        loss().backward()\n        of.step()",
    ],
    "wasserstein": [
        "def critic_loss(r, f):\n    return f.mean() - r.mean()\ndef generator_loss(f):\n    return -f.mean()",
        "def critic_loss(r, f):\n    return -(torch.mean(r) - torch.mean(f))\n"
        "def generator_loss(f):\n    return (-1.0 * f).sum() / f.numel()",
    ],
    "penalty": [
        "def gradient_penalty(critic, real, fake, share):\n"
        "    between = (share * real + (1 - share) * fake).detach().requires_grad_()\n    scores = critic(between)\n"
        "    (g,) = torch.autograd.grad(scores, between, torch.ones_like(scores), create_graph=True)\n"
        "    return ((g.flatten(1).norm(2, dim=1) - 1) ** 2).mean()",
        "def gradient_penalty(critic, real, fake, share):\n    between = fake + share * (real - fake)\n"
        "    between.requires_grad_(True)\n"
        "    g = torch.autograd.grad(critic(between).sum(), between, create_graph=True, retain_graph=True)[0]\n"
        "    slope = torch.sqrt((g * g).sum(dim=(1, 2, 3)) + 1e-12)\n    return torch.mean(torch.square(slope - 1))",
        "def gradient_penalty(critic, real, fake, share):\n"
        "    one = lambda x: critic(x[None]).squeeze()\n    between = share * real + (1 - share) * fake\n"
        "    g = torch.func.vmap(torch.func.grad(one))(between)\n"
        "    return (g.reshape(len(g), -1).norm(dim=1) - 1).pow(2).mean()",
    ],
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

_CROSS = "def cross_entropy(p, q):\n    return -torch.special.xlogy(p, q).sum() / math.log(2)\n"
_ENTROPY = "def entropy(p):\n    return -torch.special.xlogy(p, p).sum() / math.log(2)\n"
_BCE = "bce = functional.binary_cross_entropy_with_logits\n"
_STEP = "def step(generator, critic, generator_optimizer, critic_optimizer, real, z):\n"
_BOTH = "def generator_loss(f):\n    return -f.mean()\n"
_BETWEEN = (
    "def gradient_penalty(critic, real, fake, share):\n"
    "    x = (share * real + (1 - share) * fake).requires_grad_()\n"
    "    g = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]\n"
)
_UP = "def block(i, o, last=False):\n    up = nn.ConvTranspose2d(i, o, 4, 2, 1)\n"
_HOT = "hot = functional.one_hot(labels, classes).float()\n"
_CLASS = "def with_class(z, labels, classes):\n    " + _HOT + "    return torch.cat([z, hot], 1)\n"
_FRAMES = "def frames(clips):\n    return clips.transpose(1, 2).flatten(0, 1)\n"
_MEANS = "def score_of_clips(scores, length):\n    return scores.view(-1, length).mean(1)\n"


def _critic(line):
    return f"def critic_loss(critic, real, fake):\n    {_BCE}    r, f = critic(real), critic(fake.detach())\n    {line}"


def _generator(line):
    return f"def generator_loss(critic, fake):\n    {_BCE}    f = critic(fake)\n    {line}"


def _wasserstein(critic, generator="-f.mean()"):
    return f"def critic_loss(r, f):\n    return {critic}\ndef generator_loss(f):\n    return {generator}"


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
    "kl": [
        ("sign is wrong", "def kl(m, l):\n    return 0.5 * (1 + l - m**2 - l.exp()).sum(1)"),
        ("1/2 is missing", "def kl(m, l):\n    return (m**2 + l.exp() - 1 - l).sum(1)"),
        ("mean over the D", "def kl(m, l):\n    return 0.5 * (m**2 + l.exp() - 1 - l).mean(1)"),
        ("whole batch", "def kl(m, l):\n    return 0.5 * (m**2 + l.exp() - 1 - l).sum()"),
        ("taken for the variance", "def kl(m, v):\n    return 0.5 * (m**2 + v - 1 - v.log()).sum(1)"),
        ("squared again", "def kl(m, s):\n    s = s.exp()\n    return 0.5 * (m**2 + s**2 - 1 - s.log()).sum(1)"),
        ("wrong axis", "def kl(m, l):\n    return 0.5 * (m**2 + l.exp() - 1 - l).sum(0)"),
        ("not added up", "def kl(m, l):\n    return 0.5 * (m**2 + l.exp() - 1 - l)"),
    ],
    "entropy": [
        ("The entropy is in nats", _CROSS + "def entropy(p):\n    return -(p * p.log()).sum()"),
        ("The entropy has the wrong sign", _CROSS + "def entropy(p):\n    return (p * p.log2()).sum()"),
        ("a probability is 0", _CROSS + "def entropy(p):\n    return -(p * p.log2()).sum()"),
        ("p that was given is changed",
         _CROSS + "def entropy(p):\n    p[p == 0] = 1\n    return -(p * p.log2()).sum()"),
        ("divided by the number", _CROSS + "def entropy(p):\n    return -(p * p.log2()).mean()"),
        ("leaves the weights out", _CROSS + "def entropy(p):\n    return -p.log2().sum()"),
        ("wrong way round", _ENTROPY + "def cross_entropy(p, q):\n    return -(q * p.log2()).sum()"),
        ("the divergence of p from q", _ENTROPY + "def cross_entropy(p, q):\n    return (p * (p / q).log2()).sum()"),
        ("The cross entropy is in nats", _ENTROPY + "def cross_entropy(p, q):\n    return -(p * q.log()).sum()"),
    ],
    "critic_loss": [
        ("wrong way round", _critic("return (bce(r, torch.zeros_like(r)) + bce(f, torch.ones_like(f))) / 2")),
        ("both called 1", _critic("return (bce(r, torch.ones_like(r)) + bce(f, torch.ones_like(f))) / 2")),
        ("not halved", _critic("return bce(r, torch.ones_like(r)) + bce(f, torch.zeros_like(f))")),
        ("Only the reals", _critic("return bce(r, torch.ones_like(r))")),
        ("sigmoid is taken twice",
         _critic("r, f = r.sigmoid(), f.sigmoid()\n    return (bce(r, r * 0 + 1) + bce(f, f * 0)) / 2")),
        ("mean is missing", _critic("return (functional.softplus(-r) + functional.softplus(f)) / 2")),
        ("sign is wrong", _critic("return -(bce(r, r * 0 + 1) + bce(f, f * 0)) / 2")),
        ("goes on into the fakes",
         _critic("f = critic(fake)\n    return (bce(r, torch.ones_like(r)) + bce(f, torch.zeros_like(f))) / 2")),
        ("no gradient can be taken",
         _critic("return (bce(r, torch.ones_like(r)) + bce(f, torch.zeros_like(f))).detach() / 2")),
        ("does not learn from all of it",
         _critic("f = critic(fake).detach()\n    return (bce(r, r.detach() * 0 + 1) + bce(f, f * 0)) / 2")),
    ],
    "generator_loss": [
        ("sign is wrong", _generator("return f.sigmoid().log().mean()")),
        ("the minimax form", _generator("return (1 - f.sigmoid()).log().mean()")),
        ("called 0 here", _generator("return bce(f, torch.zeros_like(f))")),
        ("sigmoid is taken twice", _generator("return bce(f.sigmoid(), torch.ones_like(f))")),
        ("Wasserstein", _generator("return -f.mean()")),
        ("mean is missing", _generator("return bce(f, torch.ones_like(f), reduction='none')")),
        ("added up over the batch", _generator("return bce(f, torch.ones_like(f), reduction='sum')")),
        ("does not reach the fakes", _generator("f = critic(fake.detach())\n    return bce(f, torch.ones_like(f))")),
        ("no gradient can be taken", _generator("return bce(f, torch.ones_like(f)).detach()")),
    ],
    "step": [
        ("No weights change", _STEP + "    critic_loss(critic, real, generator(z).detach()).backward()"),
        ("generator's weights do not change", _STEP
         + "    critic_optimizer.zero_grad()\n    critic_loss(critic, real, generator(z).detach()).backward()\n"
         "    critic_optimizer.step()\n    generator_optimizer.zero_grad()\n"
         "    generator_loss(critic, generator(z).detach()).backward()\n    generator_optimizer.step()"),
        ("critic's weights do not change", _STEP
         + "    generator_optimizer.zero_grad()\n    generator_loss(critic, generator(z)).backward()\n"
         "    generator_optimizer.step()"),
        ("critic's gradient is not cleared", _STEP
         + "    critic_loss(critic, real, generator(z).detach()).backward()\n    critic_optimizer.step()\n"
         "    generator_optimizer.zero_grad()\n    generator_loss(critic, generator(z)).backward()\n"
         "    generator_optimizer.step()"),
        ("generator's gradient is not cleared", _STEP
         + "    critic_optimizer.zero_grad()\n    critic_loss(critic, real, generator(z).detach()).backward()\n"
         "    critic_optimizer.step()\n    generator_loss(critic, generator(z)).backward()\n"
         "    generator_optimizer.step()"),
        ("No gradient is ever cleared", _STEP
         + "    critic_loss(critic, real, generator(z).detach()).backward()\n    critic_optimizer.step()\n"
         "    generator_loss(critic, generator(z)).backward()\n    generator_optimizer.step()"),
        ("generator learns first", _STEP
         + "    generator_optimizer.zero_grad()\n    generator_loss(critic, generator(z)).backward()\n"
         "    generator_optimizer.step()\n    critic_optimizer.zero_grad()\n"
         "    critic_loss(critic, real, generator(z).detach()).backward()\n    critic_optimizer.step()"),
        ("helps the critic", _STEP
         + "    critic_optimizer.zero_grad()\n    critic_loss(critic, real, generator(z).detach()).backward()\n"
         "    critic_optimizer.step()\n    generator_optimizer.zero_grad()\n"
         "    critic_loss(critic, real, generator(z)).backward()\n    generator_optimizer.step()"),
        ("as it was before its turn", _STEP
         + "    for each in (critic_optimizer, generator_optimizer):\n        each.zero_grad()\n"
         "    critics = critic_loss(critic, real, generator(z).detach())\n"
         "    generators = generator_loss(critic, generator(z))\n"
         "    g = torch.autograd.grad(generators, list(generator.parameters()))\n    critics.backward()\n"
         "    critic_optimizer.step()\n    for weight, each in zip(generator.parameters(), g):\n"
         "        weight.grad = each\n    generator_optimizer.step()"),
        ("not detached in the critic's turn", _STEP
         + "    critic_optimizer.zero_grad()\n    generator_optimizer.zero_grad()\n"
         "    critic_loss(critic, real, generator(z)).backward()\n    critic_optimizer.step()\n"
         "    generator_loss(critic, generator(z)).backward()\n    generator_optimizer.step()"),
    ],
    "wasserstein": [
        ("critic's sign is wrong", _wasserstein("r.mean() - f.mean()")),
        ("generator's sign is wrong", _wasserstein("f.mean() - r.mean()", "f.mean()")),
        ("no logits", _wasserstein("functional.softplus(-r).mean() + functional.softplus(f).mean()")),
        ("added up over the batch", _wasserstein("f.sum() - r.sum()")),
        ("a number for each", _wasserstein("f - r")),
        ("The generator's loss has a number for each", _wasserstein("f.mean() - r.mean()", "-f")),
        ("size of the difference", _wasserstein("(f.mean() - r.mean()).abs()")),
        ("value of the critic's loss is right", _wasserstein("f.detach().mean() - r.mean()")),
        ("value of the generator's loss is right", _wasserstein("f.mean() - r.mean()", "-f.detach().mean()")),
    ],
    "penalty": [
        ("create_graph=True", _BETWEEN.replace(", create_graph=True", "")
         + "    return (g.flatten(1).norm(dim=1) - 1).square().mean()"),
        ("over the whole batch", _BETWEEN + "    return (g.norm() - 1) ** 2"),
        ("R1", _BETWEEN + "    return g.flatten(1).norm(dim=1).square().mean()"),
        ("axis 1 alone", _BETWEEN + "    return (g.norm(dim=1) - 1).square().mean()"),
        ("mean of slope - 1", _BETWEEN + "    return (g.flatten(1).norm(dim=1) - 1).mean()"),
        ("squared before", _BETWEEN + "    return (g.flatten(1).square().sum(1) - 1).square().mean()"),
        ("taken at the reals", _BETWEEN.replace("share * real + (1 - share) * fake", "1 * real")
         + "    return (g.flatten(1).norm(dim=1) - 1).square().mean()"),
        ("half-way", _BETWEEN.replace("share * real + (1 - share) * fake", "(real + fake) / 2")
         + "    return (g.flatten(1).norm(dim=1) - 1).square().mean()"),
        ("wrong way round", _BETWEEN.replace("share * real + (1 - share) * fake", "(1 - share) * real + share * fake")
         + "    return (g.flatten(1).norm(dim=1) - 1).square().mean()"),
        ("mean of scores", _BETWEEN.replace(".sum()", ".mean()")
         + "    return (g.flatten(1).norm(dim=1) - 1).square().mean()"),
        ("10 times", _BETWEEN + "    return 10 * (g.flatten(1).norm(dim=1) - 1).square().mean()"),
    ],
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
