"""What metrics see of pictures. In: pictures; out: numbers.

describe = features("inception")                 # or "efficientnet_lite0", "digits", ...
real = describe(pictures)                        # uint8 [N, H, W, C] -> float32 [N, 2048]
"""

from .by_name import Features, Wanted, features, inception_file, suggested

__all__ = ["Features", "Wanted", "features", "inception_file", "suggested"]
