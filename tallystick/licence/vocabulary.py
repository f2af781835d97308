"""The closed vocabularies of licence terms, version 1, with the words a court reads (zh, en).

Uses follow the actions of ODRL 2.2, media and formats those of MovieLabs Avails,
territories ISO 3166-1 alpha-2, AI uses the four entries of CAWG training-mining.
A word that is not here is refused, so that no two parties read it differently;
a new word is a new version of the terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tallystick.errors import MalformedInput
from tallystick.lazy_dataclass import dataclass

WORLD = "WW"
SUBLICENSE = "sublicense"


@dataclass(frozen=True)
class Word:
    """One word of a vocabulary in both languages; ``under`` names the umbrella that also covers it."""

    zh: str
    en: str
    under: str | None = None


USES = {
    "play": Word("播放", "play"),
    "display": Word("展示", "display"),
    "perform": Word("公开表演", "perform in public"),
    "reproduce": Word("复制", "reproduce"),
    "distribute": Word("发行", "distribute copies"),
    "broadcast": Word("广播", "broadcast"),
    "stream": Word("信息网络传播", "make available on a network"),
    "adapt": Word("改编", "adapt"),
    "translate": Word("翻译（含字幕、配音）", "translate, subtitle or dub"),
    "synchronize": Word("影音同步", "synchronise with other works"),
    "extract": Word("节选", "take excerpts"),
    "print": Word("印刷", "print"),
    "render": Word("三维渲染", "render from the 3D asset"),
    "fabricate": Word("实物制作", "make physical objects from it"),
    "archive": Word("存档", "archive"),
    "advertise": Word("用于宣传", "use in advertising"),
}

# Decided by the term ai_use, one flag each, never by the list of uses: silence on AI must not be a grant.
AI_USES = {
    "ai-data-mining": ("data_mining", Word("文本与数据挖掘", "text and data mining")),
    "ai-inference": ("inference", Word("作为人工智能推理输入", "input to AI inference")),
    "ai-generative-training": ("generative_training", Word("训练生成式人工智能", "train generative AI")),
    "ai-other-training": ("other_training", Word("训练其他人工智能", "train other AI")),
}

MEDIA = {
    "theatrical": Word("影院放映", "theatrical"),
    "non-theatrical": Word("非影院放映", "non-theatrical"),
    "broadcast": Word("广播电视", "broadcast"),
    "broadcast-free": Word("免费电视", "free television", "broadcast"),
    "broadcast-pay": Word("付费电视", "pay television", "broadcast"),
    "streaming": Word("网络点播", "streaming"),
    "streaming-svod": Word("订阅点播", "subscription streaming", "streaming"),
    "streaming-avod": Word("广告点播", "advertising-funded streaming", "streaming"),
    "streaming-tvod": Word("单片付费点播", "pay-per-view streaming", "streaming"),
    "home-video": Word("音像制品", "home video"),
    "download": Word("下载购买", "download to own"),
    "closed-circuit": Word("闭路与机上娱乐", "closed circuit, airlines, ships, hotels"),
    "online": Word("网站与社交媒体", "web sites and social media"),
    "game": Word("游戏", "games"),
    "print": Word("印刷品", "print"),
    "exhibition": Word("展览", "exhibitions and locations"),
    "merchandise": Word("衍生商品", "merchandise"),
    "advertising": Word("广告", "advertising"),
    "education": Word("教育", "education"),
    "virtual-production": Word("虚拟制作", "virtual production"),
}

FORMATS = {
    "sd": Word("标清", "SD"),
    "hd": Word("高清", "HD"),
    "uhd": Word("超高清", "UHD"),
    "8k": Word("8K", "8K"),
    "stereoscopic": Word("立体", "stereoscopic 3D"),
    "immersive": Word("沉浸式（VR/AR）", "immersive (VR, AR)"),
    "dcp": Word("数字电影包", "digital cinema package"),
    "film-35mm": Word("35毫米胶片", "35 mm film"),
    "film-70mm": Word("70毫米胶片", "70 mm film"),
    "still": Word("静帧", "still image"),
    "audio": Word("音频", "audio"),
    "asset-3d": Word("三维资产", "3D asset"),
    "real-time": Word("实时引擎", "real-time engine"),
}

COUNT_UNITS = {
    "play": Word("次播放", "plays"),
    "screening": Word("场放映", "screenings"),
    "broadcast": Word("次播出", "broadcasts"),
    "copy": Word("份拷贝", "copies"),
    "download": Word("次下载", "downloads"),
    "seat": Word("个席位", "seats"),
    "title": Word("部作品", "titles"),
    "render": Word("次渲染", "renders"),
}

# The 249 codes assigned since 2011. A code is a market, not a statement about borders.
_ISO_3166_1_ALPHA_2 = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA
    CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA
    GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP
    KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS
    MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS
    RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW
    TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
TERRITORIES = frozenset(_ISO_3166_1_ALPHA_2.split())


def territory_covers(broad: str, narrow: str) -> bool:
    """Whether ``broad`` (a code or the world) takes in ``narrow``."""
    return broad in (narrow, WORLD)


def media_covers(broad: str, narrow: str) -> bool:
    """Whether medium ``broad`` is ``narrow`` or its umbrella."""
    return broad in (narrow, MEDIA[narrow].under)


def language_covers(broad: str, narrow: str) -> bool:
    """RFC 4647 §3.3.1 basic filtering: ``zh`` takes in ``zh-Hans`` and ``zh-Hans-CN``."""
    return narrow == broad or narrow.startswith(broad + "-")


def languages_meet(one: str, other: str) -> bool:
    """Whether something may bear both tags: no subtag that both have differs. ``zh-CN`` meets ``zh-Hans-CN``."""
    (first, *left), (second, *right) = one.split("-"), other.split("-")
    # Script and region (RFC 5646 §2.2.3, §2.2.4) differ in length; what one tag leaves open agrees with all.
    known = {len(tag) == 4: tag for tag in left}
    return first == second and all(known.get(len(tag) == 4, tag) == tag for tag in right)


def touches(covers: Callable[[str, str], bool], one: str, other: str) -> bool:
    """Whether two words of the vocabulary of ``covers`` have anything in common: what an exclusion takes away."""
    return covers(one, other) or covers(other, one) or (covers is language_covers and languages_meet(one, other))


def same(broad: str, narrow: str) -> bool:
    """A vocabulary without umbrellas."""
    return broad == narrow


def check_word(word: str, known: Iterable[str], what: str) -> None:
    """Raise ``MalformedInput`` that names the known words, and the nearest one, unless ``word`` is among them."""
    words = sorted(known)
    if word in words:
        return
    import difflib  # For whoever wrote a wrong word; a verifier starts without it.

    near = difflib.get_close_matches(word.lower(), [each.lower() for each in words], n=1)
    hint = next((f" (did you mean {each}?)" for each in words if [each.lower()] == near), "")
    shown = ", ".join(words) if len(words) <= 40 else f"ISO 3166-1 alpha-2 codes such as CN or DE, and {WORLD}"
    raise MalformedInput(f"unknown {what} {word[:40]!r}{hint}; known: {shown}")
