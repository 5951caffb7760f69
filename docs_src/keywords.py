"""Pictures from words, drawn by the model that comes with the toolkit: a row of eight for each phrase."""

from PIL import Image, ImageDraw

import ganvas

WORDS = (
    *("red heart", "blue heart", "happy face", "outline face", "green tree", "key"),
    *("car", "flat clock", "house", "blue fish", "flag"),
)
COLUMNS, SIDE, LABEL = 8, 66, 110

model = ganvas.load("icons")
sheet = Image.new("RGB", (LABEL + COLUMNS * SIDE, len(WORDS) * SIDE), "white")
for row, words in enumerate(WORDS):
    ImageDraw.Draw(sheet).text((8, row * SIDE + 26), words, "black", font_size=14)
    for column, picture in enumerate(model.sample(COLUMNS, seed=0, label=words)):
        sheet.paste(picture, (LABEL + column * SIDE, row * SIDE))
sheet.save("keywords.png")
print("keywords.png")
