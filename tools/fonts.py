"""Make the font subsets of credentials/fonts/ again. For developers: needs `pip install fonttools`, nothing else does.

Usage: python tools/fonts.py FOLDER, where FOLDER holds LXGWWenKai-Regular.ttf and LXGWWenKaiMono-Regular.ttf of
version 1.250 (Debian package fonts-lxgw-wenkai 1.250+repack-1 installs them). Same input, same bytes.

The licence (SIL OFL 1.1, credentials/fonts/OFL.txt) reserves the names "LXGW" and "霞鹜" for unmodified versions: so
the subsets bear names of ours.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

OUT = Path(__file__).parents[1] / "credentials" / "fonts"
SOURCES = {
    "LXGWWenKai-Regular.ttf": (
        "bbf534b0ca093928f94d1782855e65a19a32cde82b075d495d072025521953c8",
        "Tallystick Kai",
        "TallystickKai-Regular.ttf",
    ),
    "LXGWWenKaiMono-Regular.ttf": (
        "1246e5a3711145c4abdb462f4de260f93b6fc934ddbadfd91d12af5474179992",
        "Tallystick Kai Mono",
        "TallystickKaiMono-Regular.ttf",
    ),
}
# Characters of names and titles that GB 2312 lacks and people have.
NAMES = (
    "镕喆堃彧翀旸暄玥祎珺昉赟婳婧琬晗湉玚璟璠瑄翊翎煜燊垚犇骉猋淼焱鑫森晶瞾曌囍淏沄溦芃苡荭莙菡萱蓥蔺薇藜"
    "詠諴讷贠迺邨郗鄢钰铄铭镠锜锺閔阗陞隽雯霏靑韞頔颋颢飏骅骢鳌麒黙龢乸俣倩偲僡儁兟勍卲叡吉嘏垭堉墉壎奭妤"
    "姝娉嫣孖宬寔峣嵘崟嶷巽帙廙弢彣徕怿恺愔懋戬拯挹旻昇昺晅晞晫暐曈杲枬栋桢棪楙榛槃樾櫆欣殷毓泓泠洸浠涵淙"
    "淦渭滢漪潆澍濬炘烜烨焓煊熠燏爔玓玘玠玶珅珉珈珽琎琤琨琮瑀瑧璇璐璘璨瓒甡畯皞盈睿矞砚碏祐祺禔禛稷穆竑笙"
    "筠筱粲綦绚绮缇翯聿舸艮芊苒茗茜荻莳菁葳蓁蔚蕤薰蘅虢袆裟觐訚诣谡豫贇跞轶迦逯郅酆釗铎锴镛闳阆雱霁霖韬頫"
    "飒馨駿骁骞鲲鸾麟黛鼐"
)
PUNCTUATION = "–—‘’“”…•·×÷€™©®°±≤≥≠→←↑↓↔′″‰§¶†‡✓✗●○■□▲△▼▽◆◇★☆※№℃㎡〇"


def wanted() -> set[int]:
    """GB 2312 (symbols, fullwidth Latin, both levels of hanzi), Latin with its extensions, punctuation, names."""
    points = set(range(0x20, 0x7F)) | set(range(0xA0, 0x180))
    for row in (0xA1, 0xA2, 0xA3, 0xA6, *range(0xB0, 0xF8)):
        for cell in range(0xA1, 0xFF):
            try:
                points.add(ord(bytes([row, cell]).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return points | set(map(ord, NAMES + PUNCTUATION))


def build(source: Path, digest: str, family: str, out: Path, points: set[int]) -> None:
    if hashlib.sha256(source.read_bytes()).hexdigest() != digest:
        raise SystemExit(f"{source} is not the version that this script knows")
    font = TTFont(source, recalcTimestamp=False)
    options = Options()
    options.hinting = False
    options.layout_features = []
    options.notdef_outline = True
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "BASE", "vhea", "vmtx", "gasp"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=points)
    subsetter.subset(font)
    names = font["name"]
    kept = [record for record in names.names if record.nameID in (0, 13, 14) and record.platformID == 3]
    names.names = kept
    for number, text in ((1, family), (2, "Regular"), (3, f"{family} 1.250"), (4, family), (6, out.stem)):
        names.setName(text, number, 3, 1, 0x409)
    font.save(out)
    print(f"{out.name}: {out.stat().st_size} bytes, {len(font.getBestCmap())} characters")


def main() -> None:
    folder = Path(sys.argv[1])
    everything, latin = wanted(), set(range(0x20, 0x7F)) | {0x2014}  # note signatures begin with an em dash
    for name, (digest, family, out) in SOURCES.items():
        build(folder / name, digest, family, OUT / out, latin if "Mono" in name else everything)


if __name__ == "__main__":
    main()
