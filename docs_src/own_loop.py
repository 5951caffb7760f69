"""The training loop as an iterator: you decide when to look, stop and go on."""

import ganvas
from ganvas.core.pixels import sheet, to_image

recipe = ganvas.plan("digits", images=960, settings=["batch=32", "optimizer.rate=2e-3"])

for tick in ganvas.train(recipe, seed=1):
    if tick.step % 10 == 0:
        print(tick.images, tick.terms())  # the mean of every loss term
    if tick.step == 20:
        break

held = tick.state.tensors()  # a copy of everything; safetensors.torch.save_file writes it to a file
for tick in ganvas.train(recipe, seed=1, restore=held):  # bit for bit as if it had never stopped
    print(tick.images)

model = ganvas.Model(tick.state.average, tick.state.condition)
to_image(sheet(model.generate(range(16)))).save("digits.png")  # generate: float32 [16, 1, 32, 32] in [-1, 1]
