"""The fonts of Debian that hiragana is drawn with, by family: those to train on, and those kept out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hub.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = Path("/usr/share/fonts")
# Package: patterns of its files. Fonts that borrowed their kana from another family stand with it or are left
# out: Migu, MigMix, Umeplus and VL are M+; IPAex is IPA; Aoyagi Kouzan T is Kouzan Mouhitsu; Motoya Cedar is
# nearly Motoya Maruberi; WenQuanYi is Droid.
PRINTED = {
    "ipafont": ("opentype/ipafont-*/ipa?.ttf",),
    "ipamj-mincho": ("truetype/ipamj/ipamjm.ttf",),
    "mplus": ("opentype/mplus/Mplus?-*.otf",),
    "noto-cjk-extra": ("opentype/noto/NotoSansCJK-*.ttc", "opentype/noto/NotoSerifCJK-*.ttc"),
    "morisawa-bizud-gothic": ("truetype/bizud-gothic/BIZUDGothic-*.ttf",),
    "morisawa-bizud-mincho": ("truetype/bizud-mincho/BIZUDMincho-*.ttf",),
    "dejima-mincho": ("truetype/dejima-mincho/*.ttf",),
    "horai-umefont": ("truetype/horai-umefont/ume-t??[45].ttf", "truetype/horai-umefont/ume-t??3.ttf"),
    "komatuna": ("truetype/komatuna/komatuna.ttf",),
    "konatu": ("truetype/konatu/Konatu.ttf",),
    "mona": ("truetype/mona/mona.ttf",),
    "droid-fallback": ("truetype/droid/DroidSansFallbackFull.ttf",),
    "dotgothic16": ("truetype/dotgothic16/*.ttf",),
    "reggae": ("truetype/reggae/*.ttf",),
    "rocknroll": ("truetype/rocknroll/*.ttf",),
    "rampart": ("truetype/rampart/*.ttf",),
}
WRITTEN = {
    "klee": ("truetype/klee/*.ttf",),
    "seto": ("truetype/seto/setofont.ttf",),
    "stick": ("truetype/stick/*.ttf",),
    "aoyagi-soseki": ("truetype/aoyagi-soseki/*.ttf",),
    "kanjistrokeorders": ("truetype/kanjistrokeorders/*.ttf",),
    "yozvox-yozfont-new-kana": ("truetype/yozvox-yozfont/YOz[BR]NF.ttf",),
    "yozvox-yozfont-antique": ("truetype/yozvox-yozfont/YOz[BR]AF.ttf",),
    "yozvox-yozfont-cute": ("truetype/yozvox-yozfont/YOz[BR]CF.ttf",),
    "yozvox-yozfont-standard-kana": ("truetype/yozvox-yozfont/YOz[BR]SF.ttf",),
}
HELD_OUT_PRINTED = {
    "sawarabi-gothic": ("truetype/sawarabi-gothic/*.ttf",),
    "sawarabi-mincho": ("truetype/sawarabi-mincho/*.ttf",),
    "hanazono": ("truetype/hanazono/HanaMinA.ttf",),
    "motoya-l-maruberi": ("truetype/motoya-l-maruberi/*.ttf",),
}
HELD_OUT_WRITTEN = {
    "kiloji": ("truetype/kiloji/kiloji.ttf", "truetype/kiloji/kiloji_d.ttf"),
    "yusei-magic": ("truetype/yusei-magic/*.ttf",),
    "aoyagi-kouzan-t": ("truetype/aoyagi-kouzan-t/*.ttf",),
}
HELD_OUT = HELD_OUT_PRINTED | HELD_OUT_WRITTEN


def find_fonts(families: Mapping[str, tuple[str, ...]]) -> dict[str, list[Path]]:
    """Return the files of each family.

    Raises:
        ConfigError: Fonts are missing; with the packages to install.
    """
    found = {
        name: sorted(path for pattern in patterns for path in FOLDER.glob(pattern))
        for name, patterns in families.items()
    }
    if missing := [f"fonts-{name}" for name, paths in found.items() if not paths]:
        raise ConfigError(f"{FOLDER}: fonts are missing (apt-get install {' '.join(missing)})")
    return found


@cache
def draw_glyph(font: Path, character: str, side: int) -> NDArray[np.uint8] | None:
    """Return a character, white on black, its body in the middle three quarters of (side, side) pixels.

    None if the font does not have it, or FreeType cannot draw it (some have broken hints).
    """
    face = _open_face(font, round(side * 0.75))
    picture = Image.new("L", (side, side), 0)
    try:
        if bytes(face.getmask(character)) == bytes(face.getmask("\uffff")):
            return None
        ImageDraw.Draw(picture).text((side / 2, side / 2), character, fill=255, font=face, anchor="mm")
    except OSError:
        return None
    pixels = np.asarray(picture, np.uint8)
    return pixels if pixels.any() else None


@cache
def _open_face(font: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(font), size)
