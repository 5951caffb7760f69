"""As answers.py, to the exercises about crowds of samples."""


def _belief(line):
    return f"def belief(l, prior):\n    return {line}"


def _earth(line):
    return f"def earth_mover(a, b):\n    way = a.sort().values - b.sort().values\n    return {line}"


def _modes(line):
    return (
        "def modes_held(samples, centres):\n    own = torch.cdist(samples, centres).argmin(1)\n"
        "    counts = torch.bincount(own, minlength=len(centres))\n    fair = len(samples) / len(centres)\n"
        f"    return {line}"
    )


def _reads(line):
    return (
        "def critic_loss(critic, real, fake, words):\n    s = functional.softplus\n    other = words.roll(1, 0)\n"
        "    yes = s(-critic(real, words)).mean()\n    no = s(critic(fake.detach(), words)).mean()\n"
        f"    off = s(critic(real, other)).mean()\n    return {line}"
    )


RIGHT = {
    "bayes": [
        _belief("(l + prior.log()).softmax(1)"),
        "def belief(l, prior):\n    joint = l + prior.log()\n"
        "    return (joint - joint.logsumexp(1, keepdim=True)).exp()",
        "def belief(l, prior):\n    likely = (l - l.max(1, keepdim=True).values).exp() * prior\n"
        "    return likely / likely.sum(1, keepdim=True)",
    ],
    "earth": [
        _earth("way.abs().mean()"),
        "def earth_mover(a, b):\n    from scipy.stats import wasserstein_distance\n"
        "    return wasserstein_distance(a.numpy(), b.numpy())",
        "def earth_mover(a, b):\n    pairs = zip(sorted(a.tolist()), sorted(b.tolist()))\n"
        "    return sum(abs(x - y) for x, y in pairs) / len(a)",
    ],
    "modes": [
        _modes("(counts >= fair / 4).sum()"),
        "def modes_held(samples, centres):\n    own = torch.cdist(samples, centres).argmin(1).tolist()\n"
        "    return sum(4 * own.count(k) * len(centres) >= len(samples) for k in range(len(centres)))",
    ],
    "mismatch": [
        _reads("(yes + (no + off) / 2) / 2"),
        "def critic_loss(critic, real, fake, words):\n    bce = functional.binary_cross_entropy_with_logits\n"
        "    fake = fake.detach()\n    other = torch.cat([words[-1:], words[:-1]])\n"
        "    right, made, wrong = critic(real, words), critic(fake, words), critic(real, other)\n"
        "    zero = torch.zeros_like(right)\n"
        "    return bce(right, zero + 1) / 2 + (bce(made, zero) + bce(wrong, zero)) / 4",
    ],
}

WRONG = {
    "bayes": [
        ("left out", _belief("l.softmax(1)")),
        ("added as it is", _belief("(l + prior).softmax(1)")),
        ("add up to 1 for each picture", _belief("l.exp() * prior")),
        ("over the pictures", _belief("(l + prior.log()).softmax(0)")),
        ("logarithm of the belief", _belief("(l + prior.log()).log_softmax(1)")),
        ("likeliest class", _belief("(l + prior.log()).argmax(1)")),
        ("after the sum", _belief("l.softmax(1) * prior")),
        ("likeliest of all pictures", "def belief(l, prior):\n    joint = (l - l.max()).exp() * prior\n"
         "    return joint / joint.sum(1, keepdim=True)"),
        ("0 / 0 is not", _belief("l.exp() * prior / (l.exp() * prior).sum(1, keepdim=True)")),
    ],
    "earth": [
        ("in the order of the lists", "def earth_mover(a, b):\n    return (a - b).abs().mean()"),
        ("Only the first heap", "def earth_mover(a, b):\n    return (a.sort().values - b).abs().mean()"),
        ("means of the heaps", "def earth_mover(a, b):\n    return (a.mean() - b.mean()).abs()"),
        ("all grains together", _earth("way.abs().sum()")),
        ("squared: that", _earth("(way**2).mean()")),
        ("the root is taken", _earth("(way**2).mean().sqrt()")),
        ("longest", _earth("way.abs().max()")),
        ("for each grain", _earth("way.abs()")),
        ("every place", "def earth_mover(a, b):\n    return torch.cdist(a[:, None], b[:, None]).mean()"),
        ("nearest", "def earth_mover(a, b):\n    return (a[:, None] - b).abs().amin(1).mean()"),
    ],
    "modes": [
        ("has a sample", _modes("len(own.unique())")),
        ("whole fair share", _modes("(counts >= fair).sum()")),
        ("quarter of all samples", _modes("(counts >= len(samples) / 4).sum()")),
        ("more than a quarter", _modes("(counts > fair / 4).sum()")),
        ("rounded", _modes("(counts >= len(samples) // len(centres) // 4).sum()")),
        ("farthest", _modes("(counts >= fair / 4).sum()").replace("argmin", "argmax")),
        ("share of modes", _modes("(counts >= fair / 4).float().mean()")),
        ("lost", _modes("(counts < fair / 4).sum()")),
        ("how many samples it has", _modes("counts")),
        ("add them up", _modes("counts >= fair / 4")),
        ("looking for its nearest sample", "def modes_held(s, c):\n    return len(torch.cdist(s, c).argmin(0))"),
    ],
    "mismatch": [
        ("are missing: such a critic", _reads("(yes + no) / 2")),
        ("The fakes are missing", _reads("(yes + off) / 2")),
        ("does not belong together", _reads("(yes + (no + s(-critic(real, other)).mean()) / 2) / 2")),
        ("Fakes get the words", _reads("(yes + (no + s(critic(fake.detach(), other)).mean()) / 2) / 2")),
        ("with their own words, called 0", _reads("(yes + (no + s(critic(real, words)).mean()) / 2) / 2")),
        ("counts as much as the right part", _reads("(yes + no + off) / 2")),
        ("a third each", _reads("(yes + no + off) / 3")),
        ("without weights", _reads("yes + no + off")),
        ("not halved", _reads("yes + (no + off) / 2")),
        ("no gradient can be taken", _reads("((yes + (no + off) / 2) / 2).detach()")),
        ("goes on into the fakes", _reads("(yes + (s(critic(fake, words)).mean() + off) / 2) / 2")),
        ("does not learn from all of it", _reads("(yes + (no + off.detach()) / 2) / 2")),
    ],
}  # fmt: skip
