"""What ``tallystick verify-certificate`` says, in English and Chinese. Values in braces come from the evidence."""

from __future__ import annotations

from tallystick.report.phrases import Phrase

WORDS: dict[str, Phrase] = {
    "proved": Phrase(
        "PROVED: the registrar issued certificate {number} ({certificate})",
        "已证明：登记机构签发了证书 {number}（{certificate}）",
    ),
    "proved-record": Phrase(
        "PROVED, of the log's record alone: the registrar issued certificate {number} ({certificate})",
        "仅日志中的记录已证明：登记机构签发了证书 {number}（{certificate}）",
    ),
    "picture-unknown": Phrase(
        "NOT PROVED, of the picture: this picture is not shown to be one that the registrar issued: it brings no "
        "proved receipt by which {origin} records this very file in an entry that the registrar signed. "
        "Take nothing that it shows for the certificate",
        "图片未证明：未显示此图片由登记机构签发：图片未附经证明的回执，"
        "表明日志 {origin} 以登记机构签署的条目记录了本文件。"
        "图上所示内容不得视为证书的内容",
    ),
    "picture-recorded": Phrase(
        "log {origin} records this very file, as it was issued, under this certificate",
        "日志 {origin} 在本证书名下记录了签发时的本文件",
    ),
    "not-proved": Phrase("NOT PROVED", "未证明"),
    "signer": Phrase(
        "the document is signed by {signer} and was not changed since; judged at {time}",
        "文件由 {signer} 签名，此后未被更改；签名人资格按 {time} 判断",
    ),
    "stamp": Phrase(
        "timestamp over the {over}: {time}, by {authority}", "对{over}的时间戳：{time}，由 {authority} 签发"
    ),
    "own": Phrase("(the operator's own word)", "（仅为运营方的陈述）"),
    "independent": Phrase("(independent, says the trust file)", "（信任文件认定其独立）"),
    "dependent": Phrase("(not called independent by the trust file)", "（信任文件未认定其独立）"),
    "problem": Phrase("note: {text}", "注意：{text}"),
    "placed": Phrase(
        "log {origin} holds its record at position {position}, as of the checkpoint of {size} entries; root {root}",
        "截至 {size} 个条目的检查点，日志 {origin} 在第 {position} 位持有该记录；根 {root}",
    ),
    "signed-at": Phrase(
        "that checkpoint was signed at {time}, by the log's own word", "该检查点签署于 {time}，为日志自述"
    ),
    "supersedes": Phrase("it supersedes {certificate}", "它替代 {certificate}"),
    "value": Phrase("as logged: {name}: {value}", "日志所承诺的{name}：{value}"),
    "light": Phrase(
        "by the log's Ed25519 signature and the registrar's alone: a code has no room for the others",
        "仅凭日志的Ed25519签名和登记机构的签名：二维码容不下其余签名",
    ),
    "limits": Phrase("This does not prove:", "以上并不证明："),
    "limit-force": Phrase(
        "that the certificate is still in force: what came after the checkpoint of {size} entries, the log alone knows",
        "证书目前仍然有效：{size} 个条目的检查点之后的情况，须查询日志",
    ),
    "limit-words": Phrase(
        "what the pages say in words: compare them with the values above", "页面文字的内容：请与以上各项逐一比对"
    ),
    "limit-card": Phrase(
        "what its picture says in words: a card opens no private values, so they are its signer's word",
        "图上文字的内容：证书卡不公开各项内容，图上文字只是签名人的陈述",
    ),
    "limit-paper": Phrase("that the words on this paper are those that were signed", "这张纸上的文字就是被签名的文字"),
    "limit-truth": Phrase("that what was registered is true, or who owns the work", "登记内容属实，或作品归谁所有"),
}
OVER = {"signature": Phrase("signature", "签名"), "document": Phrase("document", "文件")}

VALUE_NAMES: dict[str, Phrase] = {
    "title": Phrase("title", "作品名称"),
    "kind": Phrase("kind", "作品类别"),
    "authority": Phrase("authority", "登记机构"),
    "authors": Phrase("authors", "作者"),
    "holders": Phrase("rights holders", "权利人"),
    "created": Phrase("date of creation", "创作完成日期"),
    "published": Phrase("first publication", "首次发表日期"),
    "film_permit": Phrase("film permit", "公映许可证"),
    "isan": Phrase("ISAN", "ISAN"),
    "eidr": Phrase("EIDR", "EIDR"),
    "doi": Phrase("DOI", "DOI"),
    "iscc": Phrase("ISCC", "ISCC"),
    "edit": Phrase("edit", "版本"),
    "runtime": Phrase("runtime", "时长"),
    "human_authorship": Phrase("human authorship", "人类创作声明"),
    "references": Phrase("other numbers", "其他编号"),
}
"""The private values of a certificate, for people."""

MEMBER_NAMES: dict[str, Phrase] = {
    "name": Phrase("name", "名称"),
    "party": Phrase("party", "主体"),
    "share": Phrase("share", "份额"),
    "value": Phrase("value", "内容"),
}
"""What holders and other numbers consist of."""
