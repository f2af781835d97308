"""What each fault of a certificate means and what to do, in both languages; docs/doctor.md is held to it."""

from __future__ import annotations

from tallystick.lazy_dataclass import dataclass
from tallystick.wording import Wording


@dataclass(frozen=True)
class Told:
    """What is wrong, and what to ask the authority for."""

    what: Wording
    remedy: Wording


def _told(en: str, remedy_en: str, zh: str, remedy_zh: str) -> Told:
    return Told(Wording(zh, en), Wording(remedy_zh, remedy_en))


TOLD: dict[str, Told] = {
    "malformed": _told(
        "It is no certificate, or does not parse.",
        "Give the file that the authority sent, as PEM (or one as DER).",
        "不是证书，或无法解析。",
        "请提供发证机构给出的原文件，PEM 格式（单个证书可为 DER）。",
    ),
    "version": _told(
        "It is not of version 3.",
        "Have it issued as X.509 version 3, with extensions.",
        "不是第 3 版证书。",
        "请按 X.509 第 3 版重新签发，并带扩展项。",
    ),
    "serial": _told(
        "Its serial number is zero, negative or longer than 20 bytes.",
        "Have it issued with a positive serial number.",
        "序列号为零、为负，或超过 20 字节。",
        "请以正整数序列号重新签发。",
    ),
    "unique_identifier": _told(
        "It has a unique identifier of issuer or subject, which C2PA forbids.",
        "Have it issued without.",
        "带有签发者或主体唯一标识，C2PA 不允许。",
        "请去掉该标识后重新签发。",
    ),
    "extension_twice": _told(
        "It has one extension twice, so it means two things.",
        "Have it issued with each extension once.",
        "同一扩展项出现两次，含义不唯一。",
        "请每个扩展项只用一次，重新签发。",
    ),
    "extension": _told(
        "It has a critical extension that is not known, or name constraints.",
        "Have it issued without, or not critical.",
        "带有未知的关键扩展项，或带有名称约束。",
        "请去掉，或改为非关键，重新签发。",
    ),
    "chain_order": _told(
        "The certificates are not in their order.",
        "Put the signer's first, then each issuer.",
        "证书顺序不对。",
        "签名者证书在前，其后依次为各级签发者。",
    ),
    "chain_too_long": _told(
        "There are more certificates than are read.",
        "Leave out what does not belong to the path.",
        "证书数量超过上限。",
        "请去掉不属于该路径的证书。",
    ),
    "chain_broken": _told(
        "A certificate was not issued by the one that follows.",
        "Find the certificate of its real issuer: same name, other key?",
        "某证书并非由其后一张证书签发。",
        "请找到真正的签发者证书（可能同名不同钥）。",
    ),
    "authority_missing": _told(
        "The certificate of an authority between signer and root is missing.",
        "Append it; the authority publishes it.",
        "缺少签名者与根之间的中间证书。",
        "请补上该证书，发证机构会公布。",
    ),
    "untrusted": _told(
        "The path ends in no root that is trusted.",
        "Have the root listed in the trust file, or use another signer.",
        "路径未到达任何受信任的根。",
        "请将该根列入信任文件，或换用其他签名者。",
    ),
    "self_signed": _told(
        "The signer's certificate was issued by itself.",
        "Have an authority issue it.",
        "签名者证书是自签的。",
        "请由发证机构签发。",
    ),
    "is_ca": _told(
        "The signer's certificate is an authority's (CA:TRUE).",
        "Issue one with CA:FALSE below it, and sign with that.",
        "签名者证书是发证机构证书（CA:TRUE）。",
        "请在其下签发一张 CA:FALSE 的证书用于签名。",
    ),
    "key_usage": _told(
        "Key usage lacks digitalSignature, or allows certificates or revocation lists to be signed.",
        "Have it issued with key usage digitalSignature alone.",
        "密钥用途缺少 digitalSignature，或允许签发证书、吊销列表。",
        "请以仅含 digitalSignature 的密钥用途重新签发。",
    ),
    "purpose": _told(
        "Extended key usage does not fit the purpose, or serves another one too.",
        "Have it issued for this purpose alone.",
        "扩展密钥用途与目的不符，或兼作他用。",
        "请仅为此目的重新签发。",
    ),
    "key_identifier": _told(
        "A key identifier is missing (authority's or subject's), or names another key.",
        "Have it issued with both identifiers, by the key of its issuer.",
        "缺少密钥标识（签发者或主体），或指向另一把密钥。",
        "请按签发者密钥写入两个标识后重新签发。",
    ),
    "key": _told(
        "The key is too small, too large, or on a curve that C2PA does not allow.",
        "Use P-256, P-384, P-521, Ed25519, or RSA of 2048 to 16384 bits.",
        "密钥过短、过长，或所用曲线不为 C2PA 所允许。",
        "请用 P-256、P-384、P-521、Ed25519，或 2048 至 16384 位 RSA。",
    ),
    "algorithm": _told(
        "The certificate was signed over a hash that is not allowed.",
        "Have it signed over SHA-256, SHA-384 or SHA-512.",
        "证书签名所用散列不被允许。",
        "请以 SHA-256、SHA-384 或 SHA-512 重新签发。",
    ),
    "not_an_authority": _told(
        "A certificate that issued another is no authority's (CA:TRUE with keyCertSign).",
        "Use a real authority's certificate.",
        "某签发者证书不是发证机构证书（须 CA:TRUE 且有 keyCertSign）。",
        "请使用真正的发证机构证书。",
    ),
    "path_length": _told(
        "An authority allows fewer authorities below it than there are.",
        "Have the signer issued by the authority itself, or the limit raised.",
        "某机构允许的下级层数少于实际层数。",
        "请由该机构直接签发，或放宽层数限制。",
    ),
    "not_yet_valid": _told(
        "It is not valid yet at that time.",
        "Wait, or look at the clock.",
        "在该时刻尚未生效。",
        "请等待生效，或核对时钟。",
    ),
    "expired": _told(
        "It was no longer valid at that time.",
        "Renew it.",
        "在该时刻已过期。",
        "请续期。",
    ),
    "key_mismatch": _told(
        "The key does not belong to the certificate.",
        "Find the key with which it was requested.",
        "密钥与证书不匹配。",
        "请找出申请证书时所用的密钥。",
    ),
}
"""Code without its group -> what is told."""
