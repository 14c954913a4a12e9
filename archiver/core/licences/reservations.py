"""Words that keep rights back, wherever they stand in a text."""

from __future__ import annotations

import re
import unicodedata

_RESERVE = re.compile(
    r"""
      \ball[ -]+rights?[ -]+(?:are[ ]+)?(?:strictly[ ]+)?reserved\b | \ball-rights-reserved\b
    | \brights?[ ](?:(?:of|in|to)[ ][^.]{0,120}[ ])?(?:are[ ])?reserved\b(?<!some\ rights\ reserved)
    | \balle[ ]rechte[ ]vorbehalten\b | \balle[ ]rechten[ ]voorbehouden\b | \balle?[ ]rettigheder[ ]forbeholdes\b
    | \balle[ ]rettigheter[ ](?:er[ ])?(?:forbeholdt|reservert)\b | \balla?[ ]rättigheter[ ]förbehåll(?:s|na|es)\b
    | \btous[ ](?:les[ ])?droits[ ](?:sont[ ])?r[ée]serv[ée]s\b | (?<!algunos )\bderechos[ ](?:están[ ])?reservados\b
    | \btutti[ ]i[ ]diritti[ ](?:sono[ ])?riservati\b | (?<!alguns )\bdireitos[ ](?:são[ ])?reservados\b
    | \btots[ ]els[ ]drets[ ]reservats\b | \bwszelkie[ ]prawa[ ]zastrzeżone\b | \bvšechna[ ]práva[ ]vyhrazena\b
    | \bminden[ ]jog[ ]fenntartva\b | \btoate[ ]drepturile[ ]rezervate\b | \bkaikki[ ]oikeudet[ ]pidätetään\b
    | \btüm[ ]hakları[ ]saklıdır\b | \bвсе[ ]права[ ](?:защищены|сохранены|зарезервированы)\b | \bусі[ ]права[ ]захищені[о]?\b
    | \bвсички[ ]права[ ]запазени\b | \bόλα[ ]τα[ ]δικαιώματα[ ]διατηρούνται\b | \bsva[ ]prava[ ](?:pridržana|zadržana)\b
    | \bkõik[ ]õigused[ ]kaitstud\b | \bvisos[ ]teisės[ ]saugomos\b | \bvse[ ]pravice[ ]pridržane\b | \bvšetky[ ]práva[ ]vyhradené\b
    | すべての権利を(?:保有|留保) | 全著作権所有 | 無断(?:転載|複製|複写|使用)(?:を)?(?:禁|厳禁) | 禁無断(?:転載|複製)
    | 版权所有 | 版權所有 | 保留所有(?:权利|權利) | 保留一切(?:权利|權利) | 모든[ ]권리[ ]?(?:보유|를[ ]보유) | 무단[ ]?(?:전재|복제)
    | جميع[ ]الحقوق[ ]محفوظة | כל[ ]הזכויות[ ]שמורות | สงวนลิขสิทธิ์
    | \bfma-limited\b | \bin_copyright\b | \bin[ ]copyright\b(?<!not\ in\ copyright)
    | \b(?:may|must|can|shall)[ ]?not[ ]be[ ](?:\w+[ ](?:or[ ]|and[ ])?)?(?:copied|reproduced|redistributed|distributed|duplicated|shared|downloaded|sold)\b
    | \b(?:do|does)[ ]not[ ](?:re-?)?(?:distribute|copy|share|upload|duplicate|reproduce)\b | \bdon't[ ](?:re-?)?(?:distribute|copy|share|upload)\b
    | \bnot[ ]for[ ](?:re-?)?(?:sale|distribution|broadcast|release|resale)(?:[ ]or[ ](?:re-?)?(?:sale|distribution))?\b
    | \bunauthori[sz]ed[ ](?:copying|duplication|reproduction|distribution|use)\b
    | \b(?:copying|downloading|duplication|reproduction|redistribution|distribution)\b[^.]{0,60}\b(?:is|are)[ ](?:strictly[ ])?(?:prohibited|forbidden|not[ ](?:allowed|permitted))\b
    | \b(?:re)?distribution[ ](?:strictly[ ])?(?:prohibited|forbidden)\b | \bnot[ ]licen[cs]ed[ ]for[ ](?:re)?distribution\b
    | \bmay[ ]not[ ](?:copy|share|distribute|redistribute|reproduce)\b | \bno[ ]rights[ ](?:are[ ])?granted\b | \bpermission[ ](?:is[ ])?required[ ]for[ ]any\b
    | \b(?:private|personal|promotional)[ ]use[ ]only\b
    | \bno[ ](?:unauthori[sz]ed[ ])?(?:copying|redistribution|distribution|reproduction|downloading)\b
    | \bwithout[ ](?:the[ ])?(?:prior[ ])?(?:express[ ])?(?:written[ ])?(?:permission|consent|authori[sz]ation)\b
    | \bfor[ ](?:personal|private|promotional|evaluation)(?:[ ]and[ ](?:personal|private))?[ ]use[ ]only\b | \bstreaming[ ]only\b
    """,
    re.VERBOSE | re.IGNORECASE,
)

SOME_RIGHTS = re.compile(r"some\s+rights\s+(?:are\s+)?reserved", re.IGNORECASE)


_COMMERCIAL_BAN = re.compile(
    r"(?i)\b(?:no|not\s+for|without|never\s+for)\s+(?:any\s+)?commercial\s+(?:use|usage|purposes?|exploitation)\b|\bnon-?\s?commercial\s+(?:use|usage|purposes?)\s+only\b|\bonly\s+for\s+non-?\s?commercial\b"
)
_USE_BAN = re.compile(
    r"(?i)\b(?:need|needs|require|requires|with|ask\s+(?:me\s+)?for|obtain|get|request)\s+(?:my|our|the\s+artist's|written|prior|express)?\s*permission\b|\bpermission\s+(?:is\s+)?(?:required|needed)\b"
    r"|\b(?:please\s+)?(?:ask|contact)\s+(?:me|us|the\s+artist)\s+(?:first|before)\b"
)


def reserves(text: str) -> bool:
    """Tell whether a text keeps rights that an archive needs. "Some rights reserved" does not."""
    composed = unicodedata.normalize("NFC", " ".join(text.split()) if "\n" in text else text)
    return _RESERVE.search(SOME_RIGHTS.sub(" ", composed)) is not None


def restriction_of(text: str) -> str:
    """Return what a text keeps back: ``use`` for anything that needs a permission, ``commercial``, or nothing."""
    if _USE_BAN.search(text):
        return "use"
    return "commercial" if _COMMERCIAL_BAN.search(text) else ""
