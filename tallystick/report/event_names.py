"""Event types, kinds of case, and the words in adverse events, for people who do not read identifiers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tallystick.report.phrases import Language

EVENTS: dict[str, tuple[str, str]] = {
    "log.key-set": ("key set of the log", "日志密钥集"),
    "log.policy": ("registration policy", "登记规则"),
    "log.anchor-target": ("anchor target named", "指定锚定目标"),
    "log.batch": ("batch closed", "批次封存"),
    "party.register": ("party registered", "主体登记"),
    "party.key": ("party's key changed", "主体密钥变更"),
    "object.register": ("object registered", "客体登记"),
    "capability.file": ("capability filed", "能力备案"),
    "capability.test": ("capability tested", "能力测试"),
    "capability.grade": ("capability graded", "能力评级"),
    "capability.approve": ("capability approved", "能力核准"),
    "capability.suspend": ("capability suspended", "能力中止"),
    "capability.reinstate": ("capability reinstated", "能力恢复"),
    "capability.revoke": ("capability revoked", "能力撤销"),
    "job.register": ("job registered", "任务登记"),
    "job.complete": ("job completed", "任务完成"),
    "licence.grant": ("licence granted", "许可授予"),
    "licence.status": ("licence status changed", "许可状态变更"),
    "certificate.issue": ("registration certificate issued", "登记证书签发"),
    "certificate.withdraw": ("registration certificate withdrawn", "登记证书撤回"),
    "credential.issue": ("signed file issued", "签名文件出具"),
    "dispute.open": ("dispute opened", "争议提出"),
    "dispute.resolve": ("dispute resolved", "争议处理"),
    "log.freeze": ("log ended", "日志终止"),
    "disclosure.erase": ("private values erased", "非公开内容删除"),
    "log.rotate": ("key of the log replaced", "日志密钥更换"),
    "log.predecessor": ("log succeeds another", "日志承接前一日志"),
    "log.time": ("proof of time entered", "时间凭据入账"),
    "log.map-root": ("root of the map stated", "事件图根入账"),
    "licence.consent": ("consent to a licence's transfer", "许可转让同意"),
    "licence.transfer": ("licence transferred", "许可转让"),
    "capture.record": ("how it came about", "形成过程记录"),
    "capture.attest": ("capture record borne out", "形成过程见证"),
    "custody.record": ("custody", "保管记录"),
    "custody.accept": ("custody accepted", "接收确认"),
    "platform.file": ("document about the platform", "平台资质文件"),
    "settlement.record": ("settlement recorded", "结算记录"),
    "settlement.accept": ("settlement accepted", "结算确认"),
}
"""English, Chinese."""

KINDS: dict[str, tuple[str, str]] = {
    "object": ("object", "客体"),
    "licence": ("licence", "许可"),
    "job": ("job", "任务"),
    "dispute": ("dispute", "争议"),
}

WORDS_ZH: dict[str, str] = {
    "suspend": "中止", "revoke": "撤销", "expire": "届满", "withdraw": "撤回变更", "commence": "条件成就",
    "succession": "继承", "merger": "合并", "condition-met": "条件成就",
    "breach": "违约", "non-payment": "未付款", "court-order": "法院裁判", "request": "申请", "remedied": "已补正",
    "expiry": "期满", "error": "错误", "dispute": "争议", "superseded": "被替代",
    "requirements-met": "符合要求", "test-failed": "测试未通过", "security": "安全", "law": "法律规定",
    "authorship": "作者身份", "ownership": "权属", "authority": "授权", "content": "内容", "provenance": "来源",
    "licence": "许可", "other": "其他",
    "upheld": "成立", "rejected": "驳回", "settled": "和解", "withdrawn": "撤回", "open": "未决",
    "consent-withdrawn": "撤回同意", "purpose-ended": "目的已实现或无必要", "retention-ended": "保存期限届满",
    "unlawful": "处理违法", "legal-duty": "法定义务", "objection": "提出异议",
    "correction": "更正", "reissue": "补发",
    "valid": "有效", "suspended": "已中止", "revoked": "已撤销", "expired": "已届满",
    "filed": "已备案", "approved": "已核准",
    "key-compromise": "密钥失窃", "evidence": "证据", "agreement": "协议", "lapse": "逾期",
}  # fmt: skip


ROLES_ZH: dict[str, str] = {
    "log": "日志（Ed25519）",
    "log-pq": "日志（ML-DSA-44）",
    "authority": "日志（EIP-712）",
    "registrar": "登记机构",
    "service": "服务",
    "exporter": "出具方",
    "status": "许可状态",
}
"""Roles of the log's keys."""


def event_name(kind: str, language: Language) -> str:
    """The event type in words; an unknown one as it is written."""
    return _pick(EVENTS, kind, language)


def kind_name(kind: str, language: Language) -> str:
    """The kind of case in words."""
    return _pick(KINDS, kind, language)


def in_words(text: str, language: Language) -> str:
    """Comma-separated words of an event's body."""
    if language == "en":
        return text
    return "，".join(WORDS_ZH.get(word, word) for word in text.split(", "))


_BESIDE: dict[str, tuple[str, str]] = {
    "effective": ("effective {value}", "自 {value} 起生效"),
    "now": ("by the entries shown it is {value}", "依所示条目现为{value}"),
}


def told_of(values: Mapping[str, Any], language: Language) -> str:
    """What an adverse event says in words, from when it counts, and how that stands as of the examination."""
    told = [in_words(str(values[name]), language) for name in ("detail", "standing") if values[name]]
    for name, phrase in _BESIDE.items():
        if value := values.get(name):
            shown = value if name == "effective" else in_words(str(value), language)
            told.append(phrase[0 if language == "en" else 1].format(value=shown))
    return ("；" if language == "zh" else "; ").join(told)


def _pick(table: dict[str, tuple[str, str]], name: str, language: Language) -> str:
    return table.get(name, (name, name))[0 if language == "en" else 1]
