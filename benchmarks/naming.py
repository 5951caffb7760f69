"""Whether judges who do not know the words can name what a model of keywords draws.

    python -m benchmarks.naming draw icons PAGES KEY.json              # pages of numbered rows, without the words
    python -m benchmarks.naming score KEY.json GUESSES.json [--same SAME.json] [--name NAME]
    python -m benchmarks.naming table FIRST.json SECOND.json          # two kept results, for a model's card

The words are the 260 things of Snodgrass & Vanderwart (1980), "A standardized set of 260 pictures: norms for name
agreement, image agreement, familiarity, and visual complexity", a standard set of drawings for naming. A row has eight
samples of one word, seeds 0 to 7 and not selected; rows are shuffled. The judge sees only the pages and writes
GUESSES.json: {"1": ["first guess", "second"], ...}, with an empty list where nothing can be recognised. A word is named
if the first guess is right, and named by half if only the second is. SAME.json, {"couch": ["sofa"], ...}, lists other
names that are accepted for a word; it is written from the words and guesses without looking at the pictures, and is
printed with the result.
"""

import argparse
import json
import random
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from benchmarks.record import record
from ganvas import load
from ganvas.models.model import Model

_THINGS = """
accordion, airplane, alligator, anchor, ant, apple, arm, arrow, artichoke, ashtray, asparagus, axe, baby carriage,
ball, balloon, banana, barn, barrel, baseball bat, basket, bear, bed, bee, beetle, bell, belt, bicycle, bird,
blouse, book, boot, bottle, bow, bowl, box, bread, broom, brush, bus, butterfly, button, cake, camel, candle,
cannon, cap, car, carrot, cat, caterpillar, celery, chain, chair, cherry, chicken, chisel, church, cigar, cigarette,
clock, clothespin, cloud, clown, coat, comb, corn, couch, cow, crown, cup, deer, desk, dog, doll, donkey, door,
doorknob, dress, dresser, drum, duck, eagle, ear, elephant, envelope, eye, fence, finger, fish, flag, flower, flute,
fly, foot, football, football helmet, fork, fox, french horn, frog, frying pan, garbage can, giraffe, glass,
glasses, glove, goat, gorilla, grapes, grasshopper, guitar, gun, hair, hammer, hand, hanger, harp, hat, heart,
helicopter, horse, house, iron, ironing board, jacket, kangaroo, kettle, key, kite, knife, ladder, lamp, leaf, leg,
lemon, leopard, lettuce, light bulb, light switch, lion, lips, lobster, lock, mitten, monkey, moon, motorcycle,
mountain, mouse, mushroom, nail, nail file, necklace, needle, nose, nut, onion, orange, ostrich, owl, paintbrush,
pants, peach, peacock, peanut, pear, pen, pencil, penguin, pepper, piano, pig, pineapple, pipe, pitcher, pliers,
plug, pocketbook, pot, potato, pumpkin, rabbit, raccoon, record player, refrigerator, rhinoceros, ring, rocking
chair, roller skate, rolling pin, rooster, ruler, sailboat, salt shaker, sandwich, saw, scissors, screw,
screwdriver, sea horse, seal, sheep, shirt, shoe, skirt, skunk, sled, snail, snake, snowman, sock, spider, spinning
wheel, spool of thread, spoon, squirrel, star, stool, stove, strawberry, suitcase, sun, swan, sweater, swing, table,
telephone, television, tennis racket, thimble, thumb, tie, tiger, toaster, toe, tomato, toothbrush, top, traffic
light, train, tree, truck, trumpet, turtle, umbrella, vase, vest, violin, wagon, watch, watering can, watermelon,
well, wheel, whistle, windmill, window, wine glass, wrench, zebra
"""
THINGS = [" ".join(word.split()) for word in _THINGS.split(",")]
SHOWN, ROWS, LABEL, SIZE = 8, 10, 40, 96


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = options.add_subparsers(dest="command", required=True)
    draw = commands.add_parser("draw")
    draw.add_argument("model")
    draw.add_argument("pages", type=Path)
    draw.add_argument("key", type=Path)
    draw.add_argument("--words", type=Path, help="other words, one a line")
    draw.add_argument("--seed", type=int, default=0, help="of the order of rows")
    score = commands.add_parser("score")
    score.add_argument("key", type=Path)
    score.add_argument("guesses", type=Path)
    score.add_argument("--same", type=Path, help="other names that are taken for a word")
    score.add_argument("--name", help="keep the result under this name")
    both = commands.add_parser("table")
    both.add_argument("results", type=Path, nargs=2)
    chosen = options.parse_args()
    if chosen.command == "table":
        print(table(*(json.loads(path.read_text(encoding="utf-8")) for path in chosen.results)))
        return
    if chosen.command == "draw":
        lines = chosen.words.read_text(encoding="utf-8").splitlines() if chosen.words else THINGS
        words = sorted({" ".join(word.split()) for word in lines} - {""})
        random.Random(chosen.seed).shuffle(words)
        chosen.pages.mkdir(parents=True, exist_ok=True)
        for number, page in enumerate(pages(load(chosen.model), words)):
            page.save(chosen.pages / f"page-{number + 1:02}.png")
        chosen.key.write_text(json.dumps({str(row + 1): word for row, word in enumerate(words)}, indent=1))
        return
    key, guesses, same = (
        json.loads(path.read_text(encoding="utf-8")) if path else {}
        for path in (chosen.key, chosen.guesses, chosen.same)
    )
    found = scored(key, guesses, same)
    print(json.dumps(found, indent=1))
    if chosen.name:
        print(record(f"naming-{chosen.name}", found))


def pages(model: Model, words: list[str]) -> list[Image.Image]:
    """Pages of numbered rows, each with the samples of one word."""
    drawn = []
    for first in range(0, len(words), ROWS):
        some = words[first : first + ROWS]
        page = Image.new("RGB", (LABEL + SHOWN * (SIZE + 4), len(some) * (SIZE + 6)), "white")
        for row, word in enumerate(some):
            top = row * (SIZE + 6)
            ImageDraw.Draw(page).text((4, top + SIZE // 2), str(first + row + 1), fill="black")
            ImageDraw.Draw(page).line((0, top + SIZE + 4, page.width, top + SIZE + 4), fill="#cccccc")
            for column, picture in enumerate(model.sample(SHOWN, seed=0, label=word)):
                larger = picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC)
                page.paste(larger, (LABEL + column * (SIZE + 4), top + 2))
        drawn.append(page)
    return drawn


def scored(key: dict[str, str], guesses: dict[str, list[str]], same: dict[str, list[str]]) -> dict[str, Any]:
    """How many words were named at the first guess and at the second, and the guesses for each word."""

    def right(word: str, guess: str) -> bool:
        return guess.strip().lower() in {word, *(name.lower() for name in same.get(word, []))}

    named, half, table = [], [], {}
    for row, word in key.items():
        said = [str(guess) for guess in guesses.get(row, [])][:2]
        table[word] = said
        if said and right(word, said[0]):
            named.append(word)
        elif any(right(word, guess) for guess in said[1:]):
            half.append(word)
    return {
        "words": len(key),
        "named": sorted(named),
        "by half": sorted(half),
        "share named": round(len(named) / len(key), 3),
        "share named or by half": round((len(named) + len(half)) / len(key), 3),
        "guesses": dict(sorted(table.items())),
        "taken for the same": same,
    }


def table(*judges: dict[str, Any]) -> str:
    """What two judges named, as a table in Markdown: both, one of them, by half at best, neither."""
    rows: dict[str, list[str]] = {"both judges": [], "one of them": [], "by half: a second guess": [], "neither": []}
    for word in judges[0]["guesses"]:
        first = sum(word in judge["named"] for judge in judges)
        second = any(word in judge["by half"] for judge in judges)
        kinds = ("neither", "one of them", "both judges")
        rows["by half: a second guess" if second and not first else kinds[first]].append(word)
    lines = [f"| {kind} | {len(words)} | {', '.join(words)} |" for kind, words in rows.items()]
    return "\n".join(["| named by | things | |", "|---|---|---|", *lines])


if __name__ == "__main__":
    main()
