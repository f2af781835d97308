"""Cards and certificates: nothing is cut off or left blank, and what is signed into them reads back."""

from __future__ import annotations

import io
from dataclasses import fields, replace
from pathlib import Path

import pytest
from PIL import Image, ImageFont

from credentials.card import (
    _OWN_ROWS,
    _PLACES,
    _VALUE_SIZE,
    HEIGHT,
    WIDTH,
    LicenceCard,
    Said,
    _field,
    _qr,
    _shared,
    _sheet,
    issue_card,
    render_card,
)
from credentials.certificate import (
    NOT_PROVED,
    _sections,
    issue_certificate,
    render_certificate,
)
from credentials.certificate_facts import Anchor, Bilingual, CertificateFacts, Correction, Holder, TimeMark
from credentials.errors import TextNotPrintable
from credentials.png import Background
from credentials.text import FONTS, KAI, MONO, characters, pixels, require_printable
from tallystick.c2pa import judge, read
from tests.core.c2pa.kit import AT, PAYLOAD, SIGNED, claim_signer, manifest, world

CARD = LicenceCard(
    licence="10.5555/L-7Q2M-9XKD-40TV-ZB3H-5",
    asset="10.5555/A-3F8K-20QP-VM7N-4C1X-Y",
    title="玉壶 · The Jade Teapot",
    licensor="北京影子工作室 Shadow Studio",
    licensee="Nordlicht Film GmbH",
    use="播放 play, 展示 display",
    media="流媒体点播 streaming",
    territory="DE, AT, CH",
    term="2026-12-01 → 2028-11-30",
    exclusivity="非专有 non-exclusive",
    ai_use="推理 ✓ 训练 ✗",
    status="https://ledger.example/status/7#1290",
    issued="2026-11-21T08:30:00Z",
    log="ledger.example/tally · 1204",
    qr="tallystick:v1:10.5555/L-7Q2M-9XKD-40TV-ZB3H-5:" + "ab" * 32,
)
FACTS = CertificateFacts(
    number="沪作登字-2026-I-00000042",
    certificate="10.5555/R-7Q2M-9XKD-40TV-ZB3H-5",
    title="玉壶 · The Jade Teapot",
    kind="电影道具 film prop",
    asset="10.5555/A-3F8K-20QP-VM7N-4C1X-Y",
    authority="示范登记处 Demo Registrar",
    registered="2026-11-21T08:30:00Z",
    issued="2026-11-21T08:31:00Z",
    sha256="a1" * 32,
    sm3="b2" * 32,
    files=17,
    size=8390211,
    log="ledger.example/tally",
    leaf=1204,
    tree_size=1280,
    root="c3" * 32,
    checkpoint="ledger.example/tally\n1280\nq83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k=\n\n— ledger.example AAAA",
    key="d4" * 32,
    qr="tallystick:v1:10.5555/R-7Q2M-9XKD-40TV-ZB3H-5",
    link="https://ledger.example/c/R-7Q2M",
    authors=("王小明", "Anna Müller"),
    holders=(Holder("影子工作室", "10.5555/P-AAAA-BBBB-CCCC-DDDD-1", "100 %"),),
    created="2026-10-02T00:00:00Z",
    published="2026-10-03T00:00:00Z",
    references=(("ISCC", "ISCC:KECYCUNKNX2SDB4A"),),
    human_authorship=Bilingual("造型由人完成。", "Form by people."),
    ai_part=Bilingual("材质由模型生成。", "Material by a model."),
    examined=(Bilingual("摘要一致。", "Digests match."),),
    declared=(Bilingual("作者身份。", "Authorship."),),
    disputes=("10.5555/D-AAAA-BBBB-CCCC-DDDD-1",),
    supersedes="10.5555/R-0000-0000-0000-0000-1",
    reason=Bilingual("更正", "correction"),
    corrections=(Correction(Bilingual("作者", "authors"), "王晓明", "王小明"),),
    superseded_by="10.5555/R-9999-9999-9999-9999-1",
    time_marks=(TimeMark("observatory", "2026-11-21T08:31:00Z", "± 1 s", Bilingual("独立", "independent")),),
    signature=Bilingual("电子签名。", "Signed electronically."),
    anchors=(Anchor("embedded chain 1337", "0x" + "e5" * 32, "2026-11-21T08:31:12Z"),),
)


def test_a_card_carries_its_licence(tmp_path: Path) -> None:
    [asset] = manifest().ingredients
    card = tmp_path / "card.png"
    issue_card(claim_signer(), CARD, Said(PAYLOAD, asset, SIGNED), card)
    verdict = judge(read(card, "image/png"), world().roots, AT)
    assert (verdict.licence, verdict.certificate) == (PAYLOAD, None)
    assert verdict.title == f"{CARD.licence} {CARD.title}"
    assert [i.instance_id for i in verdict.ingredients] == [asset.identifier]
    with Image.open(card) as picture:
        assert picture.size == (WIDTH, HEIGHT)
    assert card.stat().st_size < 400_000


def test_a_certificate_carries_its_facts(tmp_path: Path) -> None:
    [asset] = manifest().ingredients
    done = issue_certificate(claim_signer(), FACTS, PAYLOAD, asset, SIGNED, tmp_path / "certificate.pdf")
    verdict = judge(read(done.path, "application/pdf"), world().roots, AT)
    assert (verdict.licence, verdict.certificate) == (None, PAYLOAD)
    assert [i.instance_id for i in verdict.ingredients] == [asset.identifier]
    assert done.path.stat().st_size < 400_000


def test_every_fact_is_on_the_certificate() -> None:
    printed = "\n".join(text for section in _sections(FACTS) for row in section.rows for text in row)
    for field in fields(FACTS):
        value = getattr(FACTS, field.name)
        if field.name in ("number", "issued", "qr", "link", "signature"):  # in the heading, at the end, at the foot
            continue
        for text in flatten(value):
            assert text in printed, field.name
    for sentence in NOT_PROVED:
        assert sentence.zh in printed
        assert sentence.en in printed


def flatten(value: object) -> list[str]:
    if isinstance(value, tuple):
        return [text for item in value for text in flatten(item)]
    if isinstance(value, Bilingual | Holder | Anchor | Correction | TimeMark):
        return [text for field in fields(value) for text in flatten(getattr(value, field.name))]
    return [str(value)]


def test_the_day_of_registration_is_told_by_beijings_clock_too() -> None:
    late = replace(FACTS, registered="2026-12-31T16:30:00Z")
    printed = "\n".join(text for section in _sections(late) for row in section.rows for text in row)
    assert "2026-12-31T16:30:00Z (UTC)\n北京时间 2027-01-01 00:30:00" in printed


def test_a_certificate_embeds_its_fonts_and_is_reproducible() -> None:
    pdf = render_certificate(FACTS)
    assert pdf == render_certificate(FACTS)
    assert pdf != render_certificate(replace(FACTS, leaf=1205))
    assert pdf.count(b"/FontFile2") == 3  # Kai in two parts of 256 glyphs at most, and Mono
    assert pdf.count(b"/Type /Page\n") == 3


@pytest.mark.parametrize("title", ["𠮷野家", "🎬", "abc\u202edef", "한국", "tab\tstop", "line\nbreak", "\x00"])
def test_text_that_cannot_be_printed_is_refused(title: str) -> None:
    """An empty box, or a line turned around by a control character, would say something else than was signed."""
    with pytest.raises(TextNotPrintable, match=r"U\+"):
        replace(CARD, title=title)
    if "\n" not in title:
        with pytest.raises(TextNotPrintable, match=r"U\+"):
            replace(FACTS, title=title)
        with pytest.raises(TextNotPrintable, match=r"U\+"):
            replace(FACTS, declared=(Bilingual("作者", title),))


def test_empty_fields_are_refused() -> None:
    with pytest.raises(TextNotPrintable, match="territory"):
        replace(CARD, territory="")
    with pytest.raises(TextNotPrintable, match="root"):
        replace(FACTS, root="")


@pytest.mark.parametrize("name", ["licence", "status", "log", "qr", "title", "issued", "use", "media"])
def test_cards_of_one_order_show_what_is_their_own(name: str) -> None:
    """What cards share is drawn once: here each differs from the one before in one field, and says no other."""
    other = replace(CARD, **{name: "10.5555/L-2222-2222-2222-2222-2"})
    before = [render_card(one) for one in (CARD, other, CARD)]
    _sheet.cache_clear()
    assert before == [render_card(CARD), render_card(other), render_card(CARD)]
    assert pixels_of(render_card(other)) == drawn_whole(other) != drawn_whole(CARD) == pixels_of(render_card(CARD))


def pixels_of(data: bytes) -> bytes:
    """The colours of a PNG file."""
    with Image.open(io.BytesIO(data)) as picture:
        return picture.convert("RGB").tobytes()


def drawn_whole(card: LicenceCard) -> bytes:
    """A card drawn into one picture, without rows that stay."""
    background = Background(_sheet(_shared(card))._picture)
    picture = background.canvas()
    for name in ("licence", "status", "log"):
        _field(picture, name, getattr(card, name))
    _qr(picture, card.qr)
    return pixels_of(background.encode(picture))


def test_the_tallest_letters_stay_in_the_rows_that_change() -> None:
    """Else they would be cut off without a word."""
    for font in (KAI, MONO):
        boxes = [pixels(font, _VALUE_SIZE).getbbox(chr(one)) for one in sorted(characters(font))]
        tall = [box for box in boxes if box[3] > box[1]]
        top, bottom = min(box[1] for box in tall), max(box[3] for box in tall)
        for name in ("licence", "status", "log"):
            line = _PLACES[name][0][1] + 28
            assert any(first <= line + top and line + bottom <= last for first, last in _OWN_ROWS), (font, name)


def test_text_that_does_not_fit_is_refused_not_cut() -> None:
    with pytest.raises(TextNotPrintable, match="does not fit"):
        render_card(replace(CARD, territory="DE, " * 60))
    assert render_card(replace(CARD, territory="DE, " * 11)) != render_card(CARD)


@pytest.mark.parametrize("payload", ["x" * 700, "x" * 5000])
def test_a_qr_code_that_cannot_be_read_is_refused(payload: str) -> None:
    with pytest.raises(TextNotPrintable, match="QR"):
        render_card(replace(CARD, qr=payload * 2))
    with pytest.raises(TextNotPrintable, match="QR"):
        render_certificate(replace(FACTS, qr=payload * 3))
    with pytest.raises(TextNotPrintable, match="QR"):
        render_certificate(replace(FACTS, link=payload * 2))


def test_the_qr_code_of_the_card_is_the_payload() -> None:
    """Module by module, from the picture's pixels; the border is the standard's smallest that phones accept."""
    import segno
    import zxingcpp

    picture = Image.open(io.BytesIO(render_card(CARD))).convert("L")
    [found] = zxingcpp.read_barcodes(picture)
    assert (found.text, found.format) == (CARD.qr, zxingcpp.BarcodeFormat.QRCode)
    rows = [bytes(row) for row in segno.make(CARD.qr, error="m", micro=False, mask=4).matrix_iter(border=2)]
    scale = 300 // len(rows)
    left, top = WIDTH - 60 - scale * len(rows), HEIGHT - 62 - scale * len(rows)
    seen = [
        bytes(
            int(picture.getpixel((left + x * scale + scale // 2, top + y * scale + scale // 2)) < 99)
            for x in range(len(rows))
        )
        for y in range(len(rows))
    ]
    assert seen == rows


def test_a_long_signature_is_shortened_and_says_so() -> None:
    note = FACTS.checkpoint + "\n— ledger.example/tally " + "A" * 3300
    assert b"/Type /Page" in render_certificate(replace(FACTS, checkpoint=note))
    from credentials.certificate_layout import _shortened

    line = note.split("\n")[-1]
    assert _shortened(line) == line[:72] + f" ... ({len(line)} characters; the whole is in the signed file)"
    assert _shortened("a" * 200) == "a" * 200


def test_the_fonts_hold_gb2312_and_latin() -> None:
    known = characters(KAI)
    for row in range(0xB0, 0xF8):
        for cell in range(0xA1, 0xFF):
            if (row, cell) < (0xD7, 0xFA) or row > 0xD7:
                assert ord(bytes([row, cell]).decode("gb2312")) in known
    require_printable(["ÀÉÎõü Łódź Čeština €", "“玉壶”，《》；：？！—…"])
    assert characters(MONO) >= set(range(0x20, 0x7F))


def test_the_fonts_keep_their_licence() -> None:
    """SIL OFL 1.1: the licence travels along, and a modified font may not bear the reserved names."""
    licence = (FONTS / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert sum(path.stat().st_size for path in FONTS.glob("*.ttf")) < 4_000_000
    for name in (KAI, MONO):
        family, _ = ImageFont.truetype(FONTS / f"{name}.ttf", 12).getname()
        assert family is not None
        assert family.startswith("Tallystick Kai")
