"""What metrics see of pictures: frozen networks, by name.

    describe = features("inception")                 # or "efficientnet_lite0", "digits", ...
    real = describe(pictures)                        # uint8 [N, H, W, C] -> float32 [N, 2048]
    describe.logits(real)                            # for the Inception Score, at no further cost

In: pictures; out: numbers.

    extractor.py      what describes pictures, and how to add one
    by_name.py        features(): those that come along, and the best there is
    inception.py      the network of the FID, in both layouts of its weights
    efficientnet.py   networks that know photographs, and how pictures look to one; their weights come with packages
    classifier.py     a small classifier of any labelled pictures, trained once per data set
"""

from .by_name import Extractor, Request, features, inception_file, suggested

__all__ = ["Extractor", "Request", "features", "inception_file", "suggested"]
