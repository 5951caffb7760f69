"""Your own pictures, and what the toolkit finds in them before it trains."""

from pathlib import Path

from PIL import Image, ImageDraw

import ganvas

Path("discs").mkdir(exist_ok=True)
for number in range(40):
    picture = Image.new("RGB", (60 + number, 50), "white")
    ImageDraw.Draw(picture).ellipse((5, 5, 45, 45), fill=(6 * number, 80, 255 - 6 * number))
    picture.save(f"discs/{number}.png")
Path("discs/notes.txt").write_text("This is no picture.")

data = ganvas.source("discs").open()
print(data.summary())  # how many, what sizes, what was skipped and why

run = ganvas.fit("discs", size=(32, 16), images=320, quiet=True)  # 32 pixels wide, 16 high
print(run.path)
