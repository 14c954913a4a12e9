"""The sentence grammar: what a text grants, keeps or merely mentions.

A small closed set of sentences grants. A negation, a question, a condition, a second tool or another object than the
recording takes a grant away. A reservation counts wherever it stands.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from archiver.core.licences.evidence import Polarity, ReasonCode
from archiver.core.licences.names import resolve_name
from archiver.core.licences.texts import folded
from archiver.core.licences.urls import resolve_url

if TYPE_CHECKING:
    from archiver.core.licences.tools import LicenceTable, Tool

LONGEST_STATEMENT = 20_000
"""Characters that are read as sentences; a longer text grants nothing. Reservations are looked for in all of it."""

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
_SOME_RIGHTS = re.compile(r"some\s+rights\s+(?:are\s+)?reserved", re.IGNORECASE)
_NEGATION = re.compile(
    r"\b(?:not|no|never|nor|neither|cannot|can't|isn't|aren't|don't|doesn't|won't|without|nicht|kein|keine|keiner|pas|non|nunca|nao|não|niet|inte|ikke|не|нет|unlike|wrongly|incorrectly|falsely|illegally|supposedly|allegedly|apparently|hopefully|un-?licen[cs]ed|wish|wished|want|wants|formerly|previously|expired|revoked|withdrawn|instead)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:if|until|unless|except|excluding|only|will|would|could|might|may\s+be|pending|provided|when|once|after|before|from\s+\d{4}|as\s+long|subject\s+to|"
    r"otherwise|partly|partially|mostly|some|parts?|portions?|certain|selected|most|half|tracks?\s*\d|track\s*#|soon|planned|requested|seeking|looking|"
    r"please\s+ask|on\s+request|maybe|perhaps|probably|unsure|unknown|sure|think|believe|assume|similar|like|compatible|equivalent|style|germany|eu\b|usa?\s+only|nur|wenn|falls|si|se|seulement|uniquement|solo|solamente|apenas|wird)\b",
    re.IGNORECASE,
)
_WRONG_OBJECT = re.compile(
    r"\b(?:cover|covers|art|artwork|photo|photos|photograph|photographs|picture|pictures|image|images|metadata|website|web\s*site|site|page|text|texts|font|fonts|sample|samples|sampled|"
    r"loop|loops|lyrics|score|scores|sheet|composition|compositions|video|videos|logo|design|booklet|liner|notes|transcript|transcripts|software|code|data|database|"
    r"description|template|icon|icons|sound\s+effects?|original|underlying|instrumental|vocals?|beats?|background|backing|stems?|acapella|theme|intro|outro|jingle|narration|voice-?over|foto|fotos|bild|bilder|titelbild|umschlag|pochette|couverture|portada|capa|copertina|texte|texto|testo|paroles|letra|partitur\w*|partition|partitura|discs?\s*\d|sides?\s+[ab]\b|bonus|remix(?:es|ed)?\s+of|contains|includes|including|uses|based\s+on|featuring)\b",
    re.IGNORECASE,
)
_CHOICE = re.compile(
    r"\b(?:of your choice|at your (?:choice|option)|whichever you (?:prefer|like)|you (?:may|can) (?:choose|select|pick)|choose (?:one|either)|either)\b",
    re.IGNORECASE,
)
_MULTI = re.compile(r"\b(?:dual|multi|multiple|tri|triple|double)[ -]?licen[cs]ed?\b", re.IGNORECASE)
_OTHER_OPEN = re.compile(
    r"\b(?:gfdl|gnu free documentation licen[cs]e|free art licen[cs]e|licen[cs]e art libre|gpl|lgpl)(?:[ ]v?\d(?:\.\d)?)?(?:\+|[ ]or[ ]later)?",
    re.IGNORECASE,
)
_COMMERCIAL_OFFER = re.compile(
    r"(?i)^(?:for commercial (?:use|usage|uses|licen[cs]es|licen[cs]ing|purposes)[^.]{0,80}(?:contact|e-?mail|write|ask|see|visit)\b.{0,120}"
    r"|commercial (?:use|licen[cs]es|licen[cs]ing):?[ ](?:please )?(?:contact|e-?mail|write|ask|see|visit)\b.{0,120}"
    r"|(?:please )?(?:contact|e-?mail|write to|ask)\b[^.]{0,80}\bfor (?:a )?commercial (?:use|usage|uses|licen[cs]es?|licen[cs]ing|purposes)"
    r"|commercial licen[cs](?:es|ing|e)?[^.]{0,40}\bavailable\b.{0,120})$"
)
_BARE_NOTICE = re.compile(
    r"(?i)^(?:(?:(?:\(c\)|\(p\)|©|℗|copyright)\s*(?:&\s*|and\s+)?)+|\d{4}(?:\s*[-,/]\s*\d{2,4})*\s)[^.:?!]{0,100}$"
)
_NO_NOTICE = re.compile(
    r"(?i)\b(?:only|exclu\w*|except\w*|property|belongs?|tracks?|until|unless|if|will|pending|may|remains?|stays?|rights|use|licen[cs]\w*|but)\b"
)
"""Words that make more of a notice than a year and a holder."""
_URL = re.compile(r"(?i)(?:(?:[a-z][a-z0-9+.-]{1,12}:)?//|(?<![\w.@/-])(?:www\.)?creativecommons\.org/)[^\s<>\"]+")
_HARMLESS = re.compile(
    r"""(?ix)^(?:
      please[ ](?:credit|attribute|mention|link[ ]to)[ ](?:(?!\b(?:and|or|but|not|if|only|before|ask|pay|use)\b)[^;:?!]){1,80}
    | (?:this[ ]work[ ]is[ ])?licen[cs]ed[ ]under[ ]a[ ]creative[ ]commons[ ]licen[cs]e
    | (?:thanks|thank[ ]you)(?:[ ]for[ ](?:listening|downloading))? | enjoy(?:[ ](?:the[ ]music|it))?
    | (?:recorded|written|composed|performed|produced|mixed|mastered|played)[ ](?:and[ ](?:recorded|produced|mixed|mastered)[ ])?(?:by|at|in)[ ](?:(?!\b(?:and|but|not|under|for)\b)[^;:?!]){1,80}
    | (?:source|download|homepage|website|more[ ]info(?:rmation)?|see|at|from)?:?[ ]?(?:at[ ])?\ue001
    | based[ ]on[ ]a[ ]work[ ]at[ ]\S{1,200}
    | permissions[ ]beyond[ ]the[ ]scope[ ]of[ ]this[ ](?:public[ ])?licen[cs]e[ ]may[ ]be[ ]available[ ]at[ ]\S{1,200}
    | this[ ]work[ ]is[ ]published[ ]from:?[ ][\w ]{1,40}
    | to[ ]the[ ]extent[ ]possible[ ]under[ ]law,?[ ][^.;:?!]{1,120}[ ]has[ ]waived[ ]all[ ]copyright[ ]and[ ]related[ ]or[ ]neighbou?ring[ ]rights[ ]to[ ][^.;:?!]{1,120}
    )$"""
)
"""Sentences of Creative Commons' own licence chooser, and credit lines: they take nothing back."""
_LETTER = re.compile(
    r"(?i),?\s+or,?\s+send\s+a\s+letter\s+to:?\s+creative\s+commons,?\s+(?:po\s+box\s+1866|171\s+(?:second|2nd)\s+street|444\s+castro\s+street|559\s+nathan\s+abbott\s+way|543\s+howard\s+street)"
    r"(?:,?\s+(?:suite\s+\d{3}|5th\s+floor))?,?\s+(?:mountain\s+view|san\s+francisco|stanford),?\s+ca(?:lifornia)?,?\s+\d{5},?\s+usa"
)
"""The end of the chooser's longest sentence: the postal addresses that Creative Commons has had."""
_URL = re.compile(r"(?i)(?:(?:[a-z][a-z0-9+.-]{1,12}:)?//|(?<![\w.@/-])(?:www\.)?creativecommons\.org/)[^\s<>\"]+")
_NAME_START = re.compile(
    r"(?i)(?<![\w/.-])(?:cc0|cc[ -]?(?=by|nc|nd|sa|zero|0|pdm|sampling|pddc|attribution|devnations)|creative[ ]commons|attribution(?=[ -])|public[ ]domain[ ]mark|pdm(?=[ -]1))"
)
_LONGEST_NAME_WORDS = 12
_CLAIM = re.compile(
    r"(?i)creative[ -]?commons|\bcc[ -]?(?:by|0|zero)\b|public[ -]?domain|licen[cs]|copyleft|royalty[ -]free|no[ ]known[ ]copyright|\bgfdl\b|no[ -]rights[ -]reserved"
)
_PUBLIC_DOMAIN = re.compile(r"(?i)\bpublic[ -]?domain\b|not_in_copyright|\bpd-")

_TOOL = "\ue000"
"""Stands for a resolved tool in a text whose names and URLs were taken out."""
_PLACE = "\ue001"
"""Stands for any other URL."""
_UNRESOLVED = "\ue002"
"""Stands for a licence name or URL that is none of the table."""
_LESS = "\ue004"
"""Stands for a licence name without a version, until it is known whether the text names the tool as well."""

_SIGN = r"(?:\(c\)|\(p\)|©|℗|copyright|copr\.?)\s*(?:(?:&|and)\s*)?"
_YEARS = r"\d{4}(?:\s*[-,/]\s*\d{2,4})*"
_NOTICE = rf"(?:(?:{_SIGN})+(?:{_YEARS})?|{_YEARS})\s*"
_HOLDER = r"(?:by\s+)?[^.;:?!\ue000-\ue002]{0,80}?"
_LICENSED = r"(?:(?:re)?licen[cs]ed|released|published|distributed|shared|available|made\s+available|offered|issued|provided|marked)"
_WORK = (
    r"(?:this|the|these|all|my|our)\s+(?:\w+\s+)?(?:work|works|recording|recordings|song|songs|track|tracks|album|music|audio|file|files|"
    r"release|releases|item|sound|sounds|performance|podcast|episode|ep|mix|piece|material|content)"
    r"(?:\s+(?:on|of|from)\s+(?:this|the)\s+(?:album|release|ep|record|compilation|item))?"
)
_UNDER = r"(?:under|by|with|using)\s+(?:(?:the|a|an)\s+)?(?:terms\s+of\s+(?:the|a)\s+)?(?:following\s+)?(?:licen[cs]e:?\s+)?(?:creative\s+commons\s+(?:licen[cs]e:?\s+)?)?"
_BEHIND = r"(?:\s+(?:public\s+)?(?:licen[cs]e|deed|dedication))?"
_VERIFY = rf"(?:[\s,;.]+(?:verify|see|visit|more\s+information|details?)(?:\s+at)?:?\s*{_PLACE})?"
_SEVERAL = rf"\(?{_TOOL}\)?{_BEHIND}(?:[\s,;:()/-]*(?:see\s+|at\s+|url:?\s+|to\s+view\s+a\s+copy\s+of\s+this\s+licen[cs]e,?\s+visit\s+)?\(?{_TOOL}\)?{_BEHIND})*"
_TONGUES = (
    r"die(?:ses|se|ser)\s+(?:werk|album|aufnahme|song|musik)\s+(?:ist|steht)\s+(?:lizenziert\s+)?unter\s+(?:einer|der)|"
    r"esta\s+obra\s+está\s+bajo\s+una\s+licencia(?:\s+de)?|"
    r"cette\s+œuvre\s+est\s+mise\s+à\s+disposition\s+(?:selon\s+les\s+termes\s+de|sous)(?:\s+la)?\s+licence|"
    r"quest['\u2019]opera\s+è\s+(?:distribuita|rilasciata)\s+con\s+licenza|"
    r"(?:este\s+trabalho|esta\s+obra)\s+está\s+licenciad[oa]\s+(?:com|sob)\s+uma\s+licença"
)
"""The chooser's sentence in German, Spanish, French, Italian and Portuguese."""
_POINTER = re.compile(rf"(?i)^(?:see|visit|details?|more\s+information)(?:\s+at)?:?\s*\(?{_TOOL}\)?$")
"""Grants nothing alone; beside the grant of the same tool it only says where to read it."""
_CREDIT = r"[^.;:?!\ue000-\ue002]{1,100}?"
_GRANTS = (
    re.compile(rf"^(?:{_TONGUES})\s+(?:creative\s+commons\s+)?{_SEVERAL}(?:[\s-]lizenz)?$", re.IGNORECASE),
    # "Song © 2024 by Foo is licensed under CC BY 4.0", as the licence chooser writes it.
    re.compile(
        rf"^{_CREDIT}\s+(?:©\s*{_YEARS}\s+)?by\s+{_CREDIT}\s+(?:is|are)\s+(?:licensed|marked)\s+{_UNDER}{_SEVERAL}{_VERIFY}$",
        re.IGNORECASE,
    ),
    # "Song Foo (foo.example) Licensed under CC BY 3.0", the credit line of a well-known composer.
    re.compile(rf"^{_CREDIT}\((?:[\w-]+(?:\.[\w-]+)+|{_PLACE})\)\s+licensed\s+{_UNDER}{_SEVERAL}$", re.IGNORECASE),
    re.compile(
        rf"^(?:{_WORK}\s+(?:is|are|has\s+been)\s+)?dedicated\s+to\s+the\s+public\s+domain\s+{_UNDER}{_SEVERAL}$",
        re.IGNORECASE,
    ),
    re.compile(
        rf"^(?:(?:{_NOTICE}{_HOLDER}[\s,;-]*)?(?:{_WORK}\s+(?:by\s+{_HOLDER}\s+)?(?:is|are|has\s+been|have\s+been)\s+)?|{_NOTICE}{_HOLDER}\s+(?:is|are)\s+)"
        rf"{_LICENSED}\s*(?:to\s+the\s+public\s+)?{_UNDER}{_SEVERAL}{_VERIFY}$",
        re.IGNORECASE,
    ),
    re.compile(
        rf"^(?:{_NOTICE}(?:by\s+)?[^.;:?!,(\ue000-\ue002]{{0,50}}?\s*[,;:(|/-]\s*)?(?:(?:(?:creative\s+commons\s+)?licen[cs]e[sd]?|rights|usage\s+terms|music|audio|recording|track|song)\b\s*:?\s*)?"
        rf"(?:is\s+)?{_SEVERAL}{_VERIFY}$",
        re.IGNORECASE,
    ),
    re.compile(rf"^(?:music|audio|recording|track|song|album)\s+{_LICENSED}\s+{_UNDER}{_SEVERAL}$", re.IGNORECASE),
    re.compile(rf"^to\s+view\s+a\s+copy\s+of\s+this\s+licen[cs]e,?\s+visit\s+{_TOOL}$", re.IGNORECASE),
    re.compile(
        rf"^(?:to\s+the\s+extent\s+possible\s+under\s+law,?\s+{_HOLDER}\s+)?(?:has|have)\s+waived\s+all\s+copyright[^.\ue000-\ue002]{{0,80}}\s+(?:{_UNDER})?{_SEVERAL}$",
        re.IGNORECASE,
    ),
)
"""Sentences that grant, matched whole. A holder's name stands only behind a notice; the checks of `_spoilt` apply to it too."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a text says of rights.

    Attributes:
        polarity: Grant, reserve, neutral, opaque or mention.
        reason: Why.
        tool: The tool granted or mentioned, or None.
    """

    polarity: Polarity
    reason: ReasonCode
    tool: Tool | None = None


def reserves(text: str) -> bool:
    """Tell whether a text keeps rights that an archive needs. "Some rights reserved" does not."""
    composed = unicodedata.normalize("NFC", " ".join(text.split()) if "\n" in text else text)
    return _RESERVE.search(_SOME_RIGHTS.sub(" ", composed)) is not None


_DENIAL = re.compile(
    r"(?i)\b(?:not|isn't|isnt|aren't|never|no\s+longer|wrongly|incorrectly|falsely|mistake\w*|revoked|withdrawn|formerly|previously|nicht|kein\w*|niet|pas)\b"
)
_COMMERCIAL_BAN = re.compile(
    r"(?i)\b(?:no|not\s+for|without|never\s+for)\s+(?:any\s+)?commercial\s+(?:use|usage|purposes?|exploitation)\b|\bnon-?\s?commercial\s+(?:use|usage|purposes?)\s+only\b|\bonly\s+for\s+non-?\s?commercial\b"
)
_USE_BAN = re.compile(
    r"(?i)\b(?:need|needs|require|requires|with|ask\s+(?:me\s+)?for|obtain|get|request)\s+(?:my|our|the\s+artist's|written|prior|express)?\s*permission\b|\bpermission\s+(?:is\s+)?(?:required|needed)\b"
    r"|\b(?:please\s+)?(?:ask|contact)\s+(?:me|us|the\s+artist)\s+(?:first|before)\b"
)


def denies(text: str, table: LicenceTable) -> bool:
    """Tell whether a sentence that speaks of a licence denies it."""
    marked, _ = _marked(" ".join(text[:LONGEST_STATEMENT].split()), table)
    return any(
        _DENIAL.search(_prose(sentence)) is not None
        for sentence in _sentences(marked)
        if any(mark in sentence for mark in (_TOOL, _UNRESOLVED)) or _CLAIM.search(sentence)
    )


def restriction_of(text: str) -> str:
    """Return what a text keeps back: ``use`` for anything that needs a permission, ``commercial``, or nothing."""
    if _USE_BAN.search(text):
        return "use"
    return "commercial" if _COMMERCIAL_BAN.search(text) else ""


def read_statement(text: str, table: LicenceTable) -> Statement:  # noqa: C901, PLR0911 - the rules in their order
    """Read a text of one or more sentences. Never raises; its time grows with the length of the text alone."""
    conflict: ReasonCode | None = None
    if len(text) > LONGEST_STATEMENT:
        return _without_grant(text, is_claim=True)
    if "<" not in text and "&lt;" in text:
        text = html.unescape(text)
    if "<" in text:
        text, conflict = _without_markup(text, table)
    plain = _LETTER.sub("", " ".join(text.split()))
    marked, tools = _marked(plain, table)
    granted, mentioned, refused = _granted(marked, tools)
    distinct = {tool.url for tool in granted}
    if reserves(_prose(marked)):
        if tools and refused not in {ReasonCode.WRONG_OBJECT, ReasonCode.NEGATED}:
            return Statement(Polarity.OPAQUE, ReasonCode.CONFLICT_RESERVED, tools[0])
        return Statement(Polarity.RESERVE, ReasonCode.RESERVED)
    if conflict is not None or len(distinct | {tool.url for tool in mentioned}) > 1:
        return Statement(Polarity.OPAQUE, conflict or ReasonCode.CONFLICT_TOOLS)
    choice = _chosen(marked, tools) or _expressed(plain, table)
    if choice is not None:
        return Statement(Polarity.GRANT, ReasonCode.OK_CHOICE, choice)
    if granted and refused is None and not mentioned and _UNRESOLVED not in marked:
        return Statement(Polarity.GRANT, ReasonCode.OK_SENTENCE, granted[0])
    if tools:
        return Statement(Polarity.MENTION, refused or ReasonCode.MENTION_ONLY, tools[0])
    if _UNRESOLVED in marked:
        return Statement(Polarity.OPAQUE, ReasonCode.UNRESOLVED_LICENCE_FIELD)
    return _without_grant(plain, is_claim=_CLAIM.search(plain) is not None)


def _without_grant(text: str, *, is_claim: bool) -> Statement:
    if reserves(text):
        return Statement(Polarity.RESERVE, ReasonCode.RESERVED)
    if _PUBLIC_DOMAIN.search(text):
        return Statement(Polarity.OPAQUE, ReasonCode.PD_TEXT)
    if is_claim:
        negated = _NEGATION.search(text) is not None
        return Statement(Polarity.OPAQUE, ReasonCode.NEGATED if negated else ReasonCode.UNRESOLVED_LICENCE_FIELD)
    return Statement(Polarity.NEUTRAL, ReasonCode.NO_LICENCE)


def _marked(text: str, table: LicenceTable) -> tuple[str, list[Tool]]:
    """Put one character for each URL and each licence name, so that the sentences around them can be read."""
    tools: list[Tool | str] = []

    def url(match: re.Match[str]) -> str:
        found, tail = _trimmed(match[0])
        answer = resolve_url(found, table)
        if answer.tool is not None:
            tools.append(answer.tool)
            return f"{_TOOL}{tail}"
        is_claim = "creativecommons" in found.lower() or "/licen" in found.lower() or not found.isascii()
        return f"{_UNRESOLVED if is_claim else _PLACE}{tail}"

    return _settled(_mark_names(_URL.sub(url, text), tools, table), tools)


def _settled(marked: str, named: list[Tool | str]) -> tuple[str, list[Tool]]:
    """Let a name without a version stand for the one tool that the same text names; else it is unresolved."""
    tools = [one for one in named if not isinstance(one, str)]
    units = {one for one in named if isinstance(one, str)}
    if not units:
        return marked, tools
    distinct = {tool.url: tool for tool in tools}
    if len(distinct) == 1 and units == {tools[0].unit}:
        return marked.replace(_LESS, _TOOL), [tools[0]] * len(named)
    return marked.replace(_LESS, _UNRESOLVED), tools


def _trimmed(url: str) -> tuple[str, str]:
    """Split the punctuation of the sentence off a URL's end."""
    end = len(url)
    while end and (url[end - 1] in ".,;:!'\u201d" or (url[end - 1] == ")" and "(" not in url[:end])):
        end -= 1
    return url[:end], url[end:]


def _mark_names(text: str, tools: list[Tool | str], table: LicenceTable) -> str:
    """Replace each licence name, the longest that resolves at each place."""
    pieces: list[str] = []
    position = 0
    while match := _NAME_START.search(text, position):
        start = match.start()
        tool, end, is_claim = _longest_name(text, start, table)
        pieces.append(text[position:start])
        position = end
        if tool is not None:
            # Keep the tools in the order of the text: those of URLs before this place come first.
            index = sum(piece.count(_TOOL) + piece.count(_LESS) for piece in pieces)
            tools.insert(index, tool)
            pieces.append(_LESS if isinstance(tool, str) else _TOOL)
        elif is_claim:
            pieces.append(_UNRESOLVED)
        else:
            pieces.append(text[start:end])
    return "".join(pieces) + text[position:]


def _longest_name(text: str, start: int, table: LicenceTable) -> tuple[Tool | str | None, int, bool]:
    """Return what the longest name that begins here names, where it ends, and whether it is a name that names nothing.

    A name without a version names its unit only.
    """
    ends = [start + match.end() for match in re.finditer(r"\S+", text[start : start + 160])][:_LONGEST_NAME_WORDS]
    less: tuple[str, int] | None = None
    for end in reversed(ends):
        candidate = text[start:end]
        if _TOOL in candidate or _PLACE in candidate or _UNRESOLVED in candidate:
            continue
        stripped = candidate.rstrip(" .,;:!)\"'-\u2013\u2014")
        answer = resolve_name(stripped, table)
        if answer.tool is not None:
            return answer.tool, start + len(stripped), False
        if less is None and answer.reason is ReasonCode.VERSIONLESS:
            less = answer.unit, start + len(stripped)
    if less is not None and not text[start : start + 60].lower().startswith(
        ("attribution ", "attribution.", "attribution,")
    ):
        return less[0], less[1], False
    first = ends[0] if ends else start + 1
    words = folded(text[start : start + 60])
    is_bare = (
        re.match(r"creative commons(?![ :-]+(?:attribution|by\b|zero|0|non|share|no[ -]?deriv))", words) is not None
    )
    is_plain_word = words.startswith("attribution") and resolve_name(text[start : start + 60], table).unit == ""
    end = start + len("creative commons") if words.startswith("creative commons") else first
    return None, min(end, len(text)), not is_bare and not is_plain_word


def _sentences(marked: str) -> list[str]:
    parts = re.split(
        r"\s[-,\u2013\u2014]\s(?=(?i:for commercial use))|(?<=[^\d\s][.;!?])\s+|(?<=[\ue000-\ue002)][.;!?])\s+|(?<=\d[.;!?])\s+(?=\D)|;\s*|\s*[\u2022|]\s*",
        marked,
    )
    return [part.strip().strip(".,;!").strip() for part in parts if part and part.strip(" .,;!")]


def _granted(marked: str, tools: list[Tool]) -> tuple[list[Tool], list[Tool], ReasonCode | None]:
    """Return the tools that whole sentences grant, those only mentioned, and what takes the grants away."""
    granted: list[Tool] = []
    mentioned: list[Tool] = []
    refused: ReasonCode | None = None
    index = 0
    is_noncommercial = bool(tools) and all(tool.commercial != "true" for tool in tools)
    for sentence in _sentences(marked):
        number = sentence.count(_TOOL)
        own = tools[index : index + number]
        index += number
        spoilt = _spoilt(sentence)
        if number and granted and set(map(id, own)) <= set(map(id, granted)) and _POINTER.match(sentence):
            continue
        if number and spoilt is None and any(pattern.match(sentence) for pattern in _GRANTS):
            granted += own
            continue
        mentioned += own
        if number:
            refused = refused or spoilt or ReasonCode.MENTION_ONLY
        elif not reserves(sentence):  # a reservation is weighed for the whole text
            # A sentence beside the grant may take it back ("Not for use outside Germany."): not certain.
            refused = refused or _taken_back(sentence, spoilt, is_noncommercial=is_noncommercial)
    return granted, mentioned, refused


def _taken_back(sentence: str, spoilt: ReasonCode | None, *, is_noncommercial: bool) -> ReasonCode | None:
    """Return what a sentence without a tool takes away from a grant beside it: all of it, unless it is known to be harmless."""
    prose = _SOME_RIGHTS.sub(" ", _prose(sentence)).strip(" .,")
    if not prose or _HARMLESS.match(sentence) or (is_noncommercial and _COMMERCIAL_OFFER.match(sentence)):
        return None
    if _BARE_NOTICE.match(prose) and spoilt in {None, ReasonCode.CONDITIONAL} and not _NO_NOTICE.search(prose):
        return None
    return spoilt or ReasonCode.CONDITIONAL


def _spoilt(sentence: str) -> ReasonCode | None:
    """Return what keeps a sentence from granting."""
    prose = _SOME_RIGHTS.sub(" ", _prose(sentence))
    if _NEGATION.search(prose):
        return ReasonCode.NEGATED
    if (
        "?" in prose
        or _CONDITION.search(prose)
        or re.search(r"(?i)\bfor\s+(?:non-?\s?commercial|personal|private|educational)", prose)
    ):
        return ReasonCode.CONDITIONAL
    if _WRONG_OBJECT.search(prose):
        return ReasonCode.WRONG_OBJECT
    return None


def _prose(marked: str) -> str:
    return re.sub("[\ue000-\ue004]", " ", marked)


def _chosen(marked: str, tools: list[Tool]) -> Tool | None:
    """Return the one tool of the table among licences that a text lets the reader choose from."""
    if len({tool.url for tool in tools}) != 1 or _UNRESOLVED in marked:
        return None
    if not (_CHOICE.search(marked) and (_MULTI.search(marked) or _OTHER_OPEN.search(marked))):
        return None
    prose = _CHOICE.sub(" ", _MULTI.sub(" ", _OTHER_OPEN.sub(" ", _prose(marked))))
    if _NEGATION.search(prose) or _WRONG_OBJECT.search(prose) or "?" in prose:
        return None
    return tools[0]


_EXPRESSION = re.compile(r"\(?[A-Za-z0-9.+-]{3,60}(?: OR [A-Za-z0-9.+-]{3,60}){1,8}\)?")
_OTHER_SPDX = re.compile(r"(?:GFDL|LAL|GPL|LGPL|AGPL|OGL|MIT|Apache|BSD|EUPL|MPL)(?:-[A-Za-z0-9.+-]+)?")


def _expressed(text: str, table: LicenceTable) -> Tool | None:
    """Return the one tool of an SPDX expression whose ``OR`` lets the reader choose among open licences."""
    if not _EXPRESSION.fullmatch(text):
        return None
    answers = [(one, resolve_name(one, table).tool) for one in text.strip("()").split(" OR ")]
    tools = [tool for _, tool in answers if tool is not None]
    others = [one for one, tool in answers if tool is None]
    return tools[0] if len(tools) == 1 and all(_OTHER_SPDX.fullmatch(one) for one in others) else None


_HIDDEN_STYLE = re.compile(r"(?i)display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])")


class _Anchors(HTMLParser):
    """Collects the visible text and, for each link, where it leads and what it shows."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text: list[str] = []
        self.links: list[tuple[str, str]] = []
        self._href: str | None = None
        self._shown: list[str] = []
        self._hidden = 0
        self.is_struck = False
        """Whether a part is struck out or hidden from a reader: what it says is then not certain."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "style"}:
            self._hidden += 1
        named = dict(attrs)
        if tag in {"s", "del", "strike"} or "hidden" in named or _HIDDEN_STYLE.search(named.get("style") or ""):
            self.is_struck = True
        if tag == "a":
            self._end_link()
            self._href, self._shown = dict(attrs).get("href") or "", []
        if tag in {"br", "p", "div", "li", "tr", "td", "h1", "h2", "h3", "ul", "ol"}:
            self.text.append(" \u2022 ")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"} and self._hidden:
            self._hidden -= 1
        if tag == "a":
            self._end_link()
        if tag in {"p", "div", "li", "tr"}:
            self.text.append(" \u2022 ")

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._href is not None:
            self._shown.append(data)
        else:
            self.text.append(data)

    def _end_link(self) -> None:
        if self._href is not None:
            self.links.append((self._href, " ".join("".join(self._shown).split())))
            self.text.append(f" \ue003{len(self.links) - 1}\ue003 ")
        self._href = None

    def close(self) -> None:
        super().close()
        self._end_link()


def _without_markup(text: str, table: LicenceTable) -> tuple[str, ReasonCode | None]:
    """Return the visible text, each link as its address, and a conflict where a link shows another licence than it leads to."""
    parser = _Anchors()
    try:
        parser.feed(text)
        parser.close()
    except (AssertionError, ValueError):
        return html.unescape(re.sub(r"<[^>]*>", " ", text)), ReasonCode.UNRESOLVED_LICENCE_FIELD
    conflict = ReasonCode.UNRESOLVED_LICENCE_FIELD if parser.is_struck else None
    shown: list[str] = []
    for href, label in parser.links:
        leads_to = resolve_url(href, table).tool
        names = _marked(label, table)[1] if label else []
        less = resolve_name(label, table) if label else None
        if leads_to is None and names:
            conflict = ReasonCode.CONFLICT_TOOLS  # it shows a licence and leads elsewhere
        if leads_to is not None and less is not None and less.reason is ReasonCode.VERSIONLESS:
            # Less specific than the address: it agrees, or it is another licence.
            conflict = conflict if less.unit == leads_to.unit else ReasonCode.CONFLICT_TOOLS
            shown.append(leads_to.url)
            continue
        if leads_to is not None and any(tool is not leads_to for tool in names):
            conflict = ReasonCode.CONFLICT_TOOLS
        if leads_to is None:
            shown.append(f"{label} ({href})" if "creativecommons" in href.lower() else label)
        elif conflict is None and label and not names and not _is_licence_label(label):
            # A link around other words: the words are read as text, with the licence behind them.
            shown.append(f"{label} {leads_to.url}")
        else:
            shown.append(leads_to.url)
    visible = re.sub("\ue003(\\d+)\ue003", lambda match: shown[int(match[1])], "".join(parser.text))
    return re.sub(r"(?:\s*\u2022\s*)+", " \u2022 ", visible).strip(" \u2022"), conflict


def _is_licence_label(label: str) -> bool:
    return (
        re.fullmatch(
            r"(?i)(?:creative commons(?: licen[cs]e)?|cc|licen[cs]e|this licen[cs]e|some rights reserved)", label
        )
        is not None
    )
