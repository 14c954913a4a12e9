"""The sentences that grant, matched whole, and what takes a grant away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from archiver.core.licences.evidence import ReasonCode
from archiver.core.licences.marks import PLACE, TOOL, prose_of
from archiver.core.licences.patterns import Pattern
from archiver.core.licences.reservations import SOME_RIGHTS, reserves

if TYPE_CHECKING:
    from archiver.core.licences.tools import Tool

NEGATION = Pattern(
    r"\b(?:not|no|never|nor|neither|cannot|can't|isn't|aren't|don't|doesn't|won't|without|nicht|kein|keine|keiner|pas|non|nunca|nao|não|niet|inte|ikke|не|нет|unlike|wrongly|incorrectly|falsely|illegally|supposedly|allegedly|apparently|hopefully|un-?licen[cs]ed|wish|wished|want|wants|formerly|previously|expired|revoked|withdrawn|instead)\b",
    re.IGNORECASE,
)
_CONDITION = Pattern(
    r"\b(?:if|until|unless|except|excluding|only|will|would|could|might|may\s+be|pending|provided|when|once|after|before|from\s+\d{4}|as\s+long|subject\s+to|"
    r"otherwise|partly|partially|mostly|some|parts?|portions?|certain|selected|most|half|tracks?\s*\d|track\s*#|soon|planned|requested|seeking|looking|"
    r"please\s+ask|on\s+request|maybe|perhaps|probably|unsure|unknown|sure|think|believe|assume|similar|like|compatible|equivalent|style|germany|eu\b|usa?\s+only|nur|wenn|falls|si|se|seulement|uniquement|solo|solamente|apenas|wird)\b",
    re.IGNORECASE,
)
WRONG_OBJECT = Pattern(
    r"\b(?:cover|covers|art|artwork|photo|photos|photograph|photographs|picture|pictures|image|images|metadata|website|web\s*site|site|page|text|texts|font|fonts|sample|samples|sampled|"
    r"loop|loops|lyrics|score|scores|sheet|composition|compositions|video|videos|logo|design|booklet|liner|notes|transcript|transcripts|software|code|data|database|"
    r"description|template|icon|icons|sound\s+effects?|original|underlying|instrumental|vocals?|beats?|background|backing|stems?|acapella|theme|intro|outro|jingle|narration|voice-?over|foto|fotos|bild|bilder|titelbild|umschlag|pochette|couverture|portada|capa|copertina|texte|texto|testo|paroles|letra|partitur\w*|partition|partitura|discs?\s*\d|sides?\s+[ab]\b|bonus|remix(?:es|ed)?\s+of|contains|includes|including|uses|based\s+on|featuring)\b",
    re.IGNORECASE,
)

_COMMERCIAL_OFFER = Pattern(
    r"(?i)^(?:for commercial (?:use|usage|uses|licen[cs]es|licen[cs]ing|purposes)[^.]{0,80}(?:contact|e-?mail|write|ask|see|visit)\b.{0,120}"
    r"|commercial (?:use|licen[cs]es|licen[cs]ing):?[ ](?:please )?(?:contact|e-?mail|write|ask|see|visit)\b.{0,120}"
    r"|(?:please )?(?:contact|e-?mail|write to|ask)\b[^.]{0,80}\bfor (?:a )?commercial (?:use|usage|uses|licen[cs]es?|licen[cs]ing|purposes)"
    r"|commercial licen[cs](?:es|ing|e)?[^.]{0,40}\bavailable\b.{0,120})$"
)
_BARE_NOTICE = Pattern(
    r"(?i)^(?:(?:(?:\(c\)|\(p\)|©|℗|copyright)\s*(?:&\s*|and\s+)?)+|\d{4}(?:\s*[-,/]\s*\d{2,4})*\s)[^.:?!]{0,100}$"
)
_NO_NOTICE = Pattern(
    r"(?i)\b(?:only|exclu\w*|except\w*|property|belongs?|tracks?|until|unless|if|will|pending|may|remains?|stays?|rights|use|licen[cs]\w*|but)\b"
)
"""Words that make more of a notice than a year and a holder."""

_HARMLESS = Pattern(
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
_VERIFY = rf"(?:[\s,;.]+(?:verify|see|visit|more\s+information|details?)(?:\s+at)?:?\s*{PLACE})?"
_SEVERAL = rf"\(?{TOOL}\)?{_BEHIND}(?:[\s,;:()/-]*(?:see\s+|at\s+|url:?\s+|to\s+view\s+a\s+copy\s+of\s+this\s+licen[cs]e,?\s+visit\s+)?\(?{TOOL}\)?{_BEHIND})*"
_TONGUES = (
    r"die(?:ses|se|ser)\s+(?:werk|album|aufnahme|song|musik)\s+(?:ist|steht)\s+(?:lizenziert\s+)?unter\s+(?:einer|der)|"
    r"esta\s+obra\s+está\s+bajo\s+una\s+licencia(?:\s+de)?|"
    r"cette\s+œuvre\s+est\s+mise\s+à\s+disposition\s+(?:selon\s+les\s+termes\s+de|sous)(?:\s+la)?\s+licence|"
    r"quest['\u2019]opera\s+è\s+(?:distribuita|rilasciata)\s+con\s+licenza|"
    r"(?:este\s+trabalho|esta\s+obra)\s+está\s+licenciad[oa]\s+(?:com|sob)\s+uma\s+licença"
)
"""The chooser's sentence in German, Spanish, French, Italian and Portuguese."""
_POINTER = Pattern(rf"(?i)^(?:see|visit|details?|more\s+information)(?:\s+at)?:?\s*\(?{TOOL}\)?$")
"""Grants nothing alone; beside the grant of the same tool it only says where to read it."""
_CREDIT = r"[^.;:?!\ue000-\ue002]{1,100}?"
_GRANTS = (
    Pattern(rf"^(?:{_TONGUES})\s+(?:creative\s+commons\s+)?{_SEVERAL}(?:[\s-]lizenz)?$", re.IGNORECASE),
    # "Song © 2024 by Foo is licensed under CC BY 4.0", as the licence chooser writes it.
    Pattern(
        rf"^{_CREDIT}\s+(?:©\s*{_YEARS}\s+)?by\s+{_CREDIT}\s+(?:is|are)\s+(?:licensed|marked)\s+{_UNDER}{_SEVERAL}{_VERIFY}$",
        re.IGNORECASE,
    ),
    # "Song Foo (foo.example) Licensed under CC BY 3.0", the credit line of a well-known composer.
    Pattern(rf"^{_CREDIT}\((?:[\w-]+(?:\.[\w-]+)+|{PLACE})\)\s+licensed\s+{_UNDER}{_SEVERAL}$", re.IGNORECASE),
    Pattern(
        rf"^(?:{_WORK}\s+(?:is|are|has\s+been)\s+)?dedicated\s+to\s+the\s+public\s+domain\s+{_UNDER}{_SEVERAL}$",
        re.IGNORECASE,
    ),
    Pattern(
        rf"^(?:(?:{_NOTICE}{_HOLDER}[\s,;-]*)?(?:{_WORK}\s+(?:by\s+{_HOLDER}\s+)?(?:is|are|has\s+been|have\s+been)\s+)?|{_NOTICE}{_HOLDER}\s+(?:is|are)\s+)"
        rf"{_LICENSED}\s*(?:to\s+the\s+public\s+)?{_UNDER}{_SEVERAL}{_VERIFY}$",
        re.IGNORECASE,
    ),
    Pattern(
        rf"^(?:{_NOTICE}(?:by\s+)?[^.;:?!,(\ue000-\ue002]{{0,50}}?\s*[,;:(|/-]\s*)?(?:(?:(?:creative\s+commons\s+)?licen[cs]e[sd]?|rights|usage\s+terms|music|audio|recording|track|song)\b\s*:?\s*)?"
        rf"(?:is\s+)?{_SEVERAL}{_VERIFY}$",
        re.IGNORECASE,
    ),
    Pattern(rf"^(?:music|audio|recording|track|song|album)\s+{_LICENSED}\s+{_UNDER}{_SEVERAL}$", re.IGNORECASE),
    Pattern(rf"^to\s+view\s+a\s+copy\s+of\s+this\s+licen[cs]e,?\s+visit\s+{TOOL}$", re.IGNORECASE),
    Pattern(
        rf"^(?:to\s+the\s+extent\s+possible\s+under\s+law,?\s+{_HOLDER}\s+)?(?:has|have)\s+waived\s+all\s+copyright[^.\ue000-\ue002]{{0,80}}\s+(?:{_UNDER})?{_SEVERAL}$",
        re.IGNORECASE,
    ),
)
"""Sentences that grant, matched whole. A holder's name stands only behind a notice; the checks of `_spoilt` apply to it too."""


def sentences_of(marked: str) -> list[str]:
    """Split a marked text into sentences, without their closing punctuation."""
    parts = re.split(
        r"\s[-,\u2013\u2014]\s(?=(?i:for commercial use))|(?<=[^\d\s][.;!?])\s+|(?<=[\ue000-\ue002)][.;!?])\s+|(?<=\d[.;!?])\s+(?=\D)|;\s*|\s*[\u2022|]\s*",
        marked,
    )
    return [part.strip().strip(".,;!").strip() for part in parts if part and part.strip(" .,;!")]


def granted_in(marked: str, tools: list[Tool]) -> tuple[list[Tool], list[Tool], ReasonCode | None]:
    """Return the tools that whole sentences grant, those only mentioned, and what takes the grants away."""
    granted: list[Tool] = []
    mentioned: list[Tool] = []
    refused: ReasonCode | None = None
    index = 0
    is_noncommercial = bool(tools) and all(tool.commercial != "true" for tool in tools)
    for sentence in sentences_of(marked):
        number = sentence.count(TOOL)
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
    prose = SOME_RIGHTS.sub(" ", prose_of(sentence)).strip(" .,")
    if not prose or _HARMLESS.match(sentence) or (is_noncommercial and _COMMERCIAL_OFFER.match(sentence)):
        return None
    if _BARE_NOTICE.match(prose) and spoilt in {None, ReasonCode.CONDITIONAL} and not _NO_NOTICE.search(prose):
        return None
    return spoilt or ReasonCode.CONDITIONAL


def _spoilt(sentence: str) -> ReasonCode | None:
    """Return what keeps a sentence from granting."""
    prose = SOME_RIGHTS.sub(" ", prose_of(sentence))
    if NEGATION.search(prose):
        return ReasonCode.NEGATED
    if (
        "?" in prose
        or _CONDITION.search(prose)
        or re.search(r"(?i)\bfor\s+(?:non-?\s?commercial|personal|private|educational)", prose)
    ):
        return ReasonCode.CONDITIONAL
    if WRONG_OBJECT.search(prose):
        return ReasonCode.WRONG_OBJECT
    return None
