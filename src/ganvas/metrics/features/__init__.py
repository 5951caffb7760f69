"""Features of pictures for metrics: frozen networks, by name.

    describe = features("inception")                 # or "efficientnet_lite0", "digits", ...
    real = describe(pictures)                        # uint8 [N, H, W, C] -> float32 [N, 2048]
    describe.logits(real)                            # for the Inception Score, at no further cost

In: pictures; out: numbers.

    extractor.py      Extractor: what describes pictures, and how to add one
    by_name.py        features(): the built-in ones by name, and the best available
    inception.py      the network of the FID, from both layouts of its weights
    efficientnet.py   networks trained on photographs, and perceptual features; their weights come with packages
    classifier.py     a small classifier of any labelled pictures, trained once per data set
"""

from .by_name import Extractor, Request, features, inception_file, suggested

__all__ = ["Extractor", "Request", "features", "inception_file", "suggested"]
