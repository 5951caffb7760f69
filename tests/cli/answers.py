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
}

_CROSS = "def cross_entropy(p, q):\n    return -torch.special.xlogy(p, q).sum() / math.log(2)\n"
_ENTROPY = "def entropy(p):\n    return -torch.special.xlogy(p, p).sum() / math.log(2)\n"
_BCE = "bce = functional.binary_cross_entropy_with_logits\n"
_STEP = "def step(generator, critic, generator_optimizer, critic_optimizer, real, z):\n"
_BETWEEN = (
    "def gradient_penalty(critic, real, fake, share):\n"
    "    x = (share * real + (1 - share) * fake).requires_grad_()\n"
    "    g = torch.autograd.grad(critic(x).sum(), x, create_graph=True)[0]\n"
)


def _critic(line):
    return f"def critic_loss(critic, real, fake):\n    {_BCE}    r, f = critic(real), critic(fake.detach())\n    {line}"


def _generator(line):
    return f"def generator_loss(critic, fake):\n    {_BCE}    f = critic(fake)\n    {line}"


def _wasserstein(critic, generator="-f.mean()"):
    return f"def critic_loss(r, f):\n    return {critic}\ndef generator_loss(f):\n    return {generator}"


WRONG = {
    "kl": [
        ("sign is wrong", "def kl(m, l):\n    return 0.5 * (1 + l - m**2 - l.exp()).sum(1)"),
        ("1/2 is missing", "def kl(m, l):\n    return (m**2 + l.exp() - 1 - l).sum(1)"),
        ("mean over the D", "def kl(m, l):\n    return 0.5 * (m**2 + l.exp() - 1 - l).mean(1)"),
        ("whole batch", "def kl(m, l):\n    return 0.5 * (m**2 + l.exp() - 1 - l).sum()"),
        ("taken for the variance", "def kl(m, v):\n    return 0.5 * (m**2 + v - 1 - v.log()).sum(1)"),
        ("squared again", "def kl(m, s):\n    s = s.exp()\n    return 0.5 * (m**2 + s**2 - 1 - s.log()).sum(1)"),
        ("wrong axis", "def kl(m, l):\n    return 0.5 * (m**2 + l.exp() - 1 - l).sum(0)"),
        ("covers only mean^2", "def kl(m, l):\n    return (0.5 * m**2 + l.exp() - 1 - l).sum(1)"),
        ("is added, but", "def kl(m, l):\n    return 0.5 * (m**2 + l.exp() - 1 + l).sum(1)"),
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
        ("a number that is not above 0", _generator("return -f.log().mean()")),
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
        ("after each step", _STEP
         + "    critic_loss(critic, real, generator(z).detach()).backward()\n    critic_optimizer.step()\n"
         "    critic_optimizer.zero_grad()\n    generator_loss(critic, generator(z)).backward()\n"
         "    generator_optimizer.step()\n    generator_optimizer.zero_grad()"),
        ("before either has taken its step", _STEP
         + "    critic_optimizer.zero_grad()\n    generator_optimizer.zero_grad()\n    fake = generator(z)\n"
         "    critic_loss(critic, real, fake.detach()).backward()\n    generator_loss(critic, fake).backward()\n"
         "    critic_optimizer.step()\n    generator_optimizer.step()"),
        ("wrong way round: fakes", _STEP
         + "    critic_optimizer.zero_grad()\n    critic_loss(critic, generator(z).detach(), real).backward()\n"
         "    critic_optimizer.step()\n    generator_optimizer.zero_grad()\n"
         "    generator_loss(critic, generator(z)).backward()\n    generator_optimizer.step()"),
        ("detach the fakes there", _STEP
         + "    fake = generator(z)\n    critic_optimizer.zero_grad()\n    critic_loss(critic, real, fake).backward()\n"
         "    critic_optimizer.step()\n    generator_optimizer.zero_grad()\n"
         "    generator_loss(critic, fake).backward()\n    generator_optimizer.step()"),
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
}  # fmt: skip
