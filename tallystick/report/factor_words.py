"""Factors that articles 17 and 18 of the Online Litigation Rules weigh, in English and Chinese."""

from __future__ import annotations

FACTORS: dict[str, tuple[str, str]] = {
    "source": ("source before deposit", "上链存储前数据的具体来源"),
    "generation": ("how it was generated", "生成机制"),
    "storage": ("how it was stored", "存储过程"),
    "notary": ("notarised", "公证机构公证"),
    "witness": ("witnessed by a third party", "第三方见证"),
    "corroboration": ("corroborating data", "关联印证数据"),
    "qualification": ("the platform meets what authorities demand", "存证平台是否符合有关部门的相关规定"),
    "independence": (
        "the platform has no interest in the case and did not interfere by technical means",
        "当事人与存证平台是否存在利害关系并利用技术手段不当干预",
    ),
    "system": ("the system is clean, secure, reliable, available", "信息系统的清洁性、安全性、可靠性、可用性"),
    "process": ("technique and process meet a standard", "存证技术和过程是否符合相关标准"),
}
"""Article 18, then article 17, each in its order."""
