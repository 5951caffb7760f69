"""Train, look at the results, sample: everything the command line does, from Python."""

import ganvas

run = ganvas.fit("digits", images=640, out="runs/digits", quiet=True)

model = ganvas.load(run.path)
pictures = model.sample(16, seed=0)  # Pillow images; one seed is one picture
pictures[0].save("digit.png")

print(run.rows[-1]["terms"])  # the loss terms of the last row of the log
print(run.path / "report.html")
