"""The scripts that the text gate is shown, and the fonts of Debian that write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edge.training.fonts import find_fonts

LETTERS = {
    "latin": "eeeeetttaaaooiinnsshhrrddllccuummwwffggyyppbbvkjxqzEATOINSRHLDCUMFPGWYBVKXJQZ0123456789éüöäñç",
    "cyrillic": "абвгдежзийклмнопрстуфхцчшщъыьэюяАБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЭЮЯ",
    "greek": "αβγδεζηθικλμνξοπρστυφχψωΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ",
    "arabic": "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
    "hebrew": "אבגדהוזחטיכלמנסעפצקרשתםןףץ",
    "devanagari": "अआइईउएओकखगघचछजझटठडढणतथदधनपफबभमयरलवशषसहािीुेो",
    "bengali": "অআইউএওকখগঘচছজঝটঠডঢণতথদধনপফবভমযরলশষসহািীুেো",
    "tamil": "அஆஇஈஉஎஏஐஒகஙசஞடணதநபமயரலவழளறனாிீுெே",
    "thai": "กขคฆงจฉชซญฎฏฐณดตถทธนบปผพฟมยรลวศสหอฮาเแโไ",
    "georgian": "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
    "armenian": "աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցփքօֆ",
    "ethiopic": "ሀለሐመሠረሰሸቀበተቸኀነኘአከወዐዘየደገጠጰጸፀፈሁሉሙሱሩ",
    "kana": (
        "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをんアイ"
        "ウエオカキクケコサシスセソタチツテトナニヌネノ"
    ),
    "han": (
        "一丁七三上下不中丸主久乗九也予事二五井亜京人今仕他付代令以件任企休会伝伸位低住体何余作使例供信修"
        "俺倒候借停健側備働像元先光入全八公六共兵具内円冊写冬冷出分切初利到前力加助動勝化北区十千午半南単"
        "原去友反取受口古号合同名向君味呼命品員商問四回国園土地坂型城場報境夏外多夜大天太夫失女好妻姉始委"
        "安定室家寒実寺小少山川工左市師席帰常平年広店度庭弟強形役待後心思急性悪情意愛感成戦戸所手才打投持"
        "指教数文料新方旅族日早明春昨時曜書最有服朝木本村東校森楽機歌止正歩死母毎気水池決沢法注洋洗活海港"
        "湖漢火灯点焼父物牛特犬王理生用田町画界番病白百的目相真着知短石研社神秋科空立竹第答紙終経緑線練習"
        "者耳聞肉自色花英茶草荷落葉薬行街西要見親言計記話語読課調負買起足路車軍転近送通週運道都野金銀長門"
        "開間雨雪電青静面音頭題顔風食飯飲館駅高魚鳥黒"
    ),
    "hangul": (
        "가나다라마바사아자차카타파하거너더러머버서어저처고노도로모보소오조초구누두루무부수우주추그는들를"
        "은을이인입니기지시리한국글말사람서울부산대학교문화전기역물산강하늘바람"
    ),
}
NOTO = "truetype/noto/Noto"
WIDE = ("latin", "cyrillic", "greek")


@dataclass(frozen=True)
class Family:
    """Fonts of one design: the package that has them, patterns of the files, the scripts they write."""

    package: str
    patterns: tuple[str, ...]
    scripts: tuple[str, ...]


def _noto(kind: str, script: str) -> Family:
    return Family(
        "noto-core", tuple(f"{NOTO}{kind}-{weight}.ttf" for weight in ("Regular", "Bold")), (script,)
    )


_SANS = ("Hebrew", "Devanagari", "Bengali", "Tamil", "Thai", "Georgian", "Armenian", "Ethiopic")
TRAINED = (
    Family("dejavu-core", ("truetype/dejavu/DejaVu*Sans*.ttf", "truetype/dejavu/DejaVuSerif*.ttf"), WIDE),
    Family("liberation", ("truetype/liberation/*.ttf",), WIDE),
    Family("freefont-ttf", ("truetype/freefont/FreeS*.ttf", "truetype/freefont/FreeMonoBold*.ttf"), WIDE),
    Family(
        "roboto-unhinted", ("truetype/roboto/**/Roboto-[BIMR]*.ttf", "truetype/roboto/**/RobotoC*.ttf"), WIDE
    ),
    Family("open-sans", ("truetype/open-sans/*.ttf",), WIDE),
    Family("ebgaramond", ("opentype/ebgaramond/*.otf",), ("latin",)),
    Family("mplus", ("opentype/mplus/Mplus*.otf",), ("latin",)),
    Family("reggae", ("truetype/reggae/*.ttf",), ("latin", "kana")),
    Family("rocknroll", ("truetype/rocknroll/*.ttf",), ("latin", "kana")),
    Family("klee", ("truetype/klee/*.ttf",), ("latin", "kana", "han")),
    Family("seto", ("truetype/seto/setofont.ttf",), ("latin", "kana")),
    Family("yozvox-yozfont-cute", ("truetype/yozvox-yozfont/YOz[BR]CF.ttf",), ("latin", "kana")),
    Family("noto-cjk", ("opentype/noto/Noto*CJK-*.ttc",), ("kana", "han", "hangul")),
    Family("ipafont", ("opentype/ipafont-*/ipa?.ttf",), ("kana", "han")),
    Family("droid-fallback", ("truetype/droid/DroidSansFallbackFull.ttf",), ("han", "hangul")),
    Family("noto-core", (f"{NOTO}KufiArabic-*.ttf", f"{NOTO}SansArabic-*.ttf"), ("arabic",)),
    *(_noto(f"Sans{script}", script.lower()) for script in _SANS),
)
HELD_OUT = (
    Family("cantarell", ("opentype/cantarell/Cantarell-[BER]*.otf",), WIDE),
    Family("linuxlibertine", ("opentype/linux-libertine/LinLibertine_R*.otf",), WIDE),
    Family("lato", ("truetype/lato/Lato-[BHMRS]*.ttf",), ("latin",)),
    Family("comic-neue", ("opentype/comic-neue/*.otf",), ("latin",)),
    Family("dancingscript", ("opentype/dancingscript/*.otf",), ("latin",)),
    Family("inconsolata", ("truetype/inconsolata/*.otf",), ("latin",)),
    Family("motoya-l-maruberi", ("truetype/motoya-l-maruberi/*.ttf",), ("latin", "kana", "han")),
    Family("yusei-magic", ("truetype/yusei-magic/*.ttf",), ("latin", "kana", "han")),
    Family("hanazono", ("truetype/hanazono/HanaMinA.ttf",), ("kana", "han")),
    Family("baekmuk", ("truetype/baekmuk/[bdg]*.ttf",), ("hangul",)),
    Family("noto-core", (f"{NOTO}NaskhArabic-*.ttf", f"{NOTO}NastaliqUrdu-*.ttf"), ("arabic",)),
    *(_noto(f"Serif{script}", script.lower()) for script in _SANS),
)


class Scripts:
    """Draws a script, then a font of it, then words; Latin as often as all others together.

    Raises:
        ConfigError: Fonts are missing; with the packages to install.
    """

    def __init__(self, families: Iterable[Family], latin: float = 0.5) -> None:
        self._fonts: dict[str, list[list[Path]]] = {}
        for family in families:
            paths = find_fonts({family.package: family.patterns})[family.package]
            for script in family.scripts:
                self._fonts.setdefault(script, []).append(paths)
        self._others = [script for script in self._fonts if script != "latin"]
        self._latin = latin

    @property
    def names(self) -> Mapping[str, list[list[Path]]]:
        """The fonts of each script, by family."""
        return self._fonts

    def choose(self, rng: np.random.Generator, script: str | None = None) -> tuple[str, Path]:
        """Draw a script, unless it is given, and a font that writes it."""
        if script is None:
            script = "latin" if rng.random() < self._latin else str(rng.choice(self._others))
        family = self._fonts[script][rng.integers(len(self._fonts[script]))]
        return script, family[rng.integers(len(family))]


def make_word(rng: np.random.Generator, script: str, length: int) -> str:
    """Draw a word of so many letters; no word of any language."""
    letters = LETTERS[script]
    word = "".join(letters[i] for i in rng.integers(len(letters), size=length))
    if script not in WIDE:
        return word
    return (word.lower(), word.capitalize(), word.upper(), word)[rng.integers(4)]
