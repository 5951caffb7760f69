"""The training loop as an iterator: you decide when to look, save and stop."""

import ganvas
from ganvas.core.pixels import sheet, to_image
from ganvas.models.model import Model

recipe = ganvas.plan("digits", images=960, settings=["batch=32", "optimizer.rate=2e-3"])

for tick in ganvas.train(recipe, seed=1):
    if tick.step % 10 == 0:
        print(tick.images, tick.terms())  # the mean of every loss term

pictures = Model(tick.state.average).generate(range(16))  # float32 [16, 1, 32, 32] in [-1, 1]
to_image(sheet(pictures)).save("digits.png")
