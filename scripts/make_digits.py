"""Write src/ganvas/data/sources/digits.npz from scikit-learn's copy of the UCI handwritten digits.

    python scripts/make_digits.py

The data are the test set of "Optical Recognition of Handwritten Digits" (Alpaydin and Kaynak 1998, UCI, CC BY 4.0).
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

digits = load_digits()
file = Path(__file__).parents[1] / "src" / "ganvas" / "data" / "sources" / "digits.npz"
np.savez_compressed(file, pictures=digits.images.astype(np.uint8), labels=digits.target.astype(np.uint8))
print(f"{file.name}: {len(digits.target)} digits, {file.stat().st_size:,} bytes")
