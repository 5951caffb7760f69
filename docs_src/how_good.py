"""Compare two sets of pictures; `ganvas.compare("runs/icons", seed=0)` would compare a model with its data."""

import ganvas
from ganvas import metrics

compared = ganvas.compare("icons:flags", "icons:food", size=32, count=60)
for name, score in compared.scores():  # each score as soon as it is computed, the quickest first
    print(f"{name:30} {score}")
print(compared.about)  # what the scores depend on: features, counts, seed, versions

features = compared.fakes  # all metrics are functions of features, which may be your own
print("moved", metrics.frechet_distance(features, features + 0.1))
