"""Two sets of pictures, compared: a model with its data would be `ganvas.compare("runs/icons", seed=0)`."""

import ganvas
from ganvas import metrics

compared = ganvas.compare("icons:flags", "icons:food", size=32, count=60)
for name, score in compared.scores():  # as they come, the quickest first
    print(f"{name:30} {score}")
print(compared.about)  # what made them

features = compared.fakes  # all figures are functions of features, which may be your own
print("moved", metrics.frechet_distance(features, features + 0.1))
