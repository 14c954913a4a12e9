"""What each field of a source is for. A field that is not known here is free text: it grants nothing."""

from __future__ import annotations

from enum import StrEnum


class FieldKind(StrEnum):
    """How far a field may be believed."""

    DEDICATED = "dedicated"
    """Made for a licence, URL or name: whatever else stands in it is an unresolved claim."""
    RIGHTS = "rights"
    """Made for a statement of rights: a sentence may grant."""
    NOTICE = "notice"
    """Made for a copyright line: a sentence may grant, a bare notice says nothing."""
    FREE = "free"
    """Anything at all: it may reserve and contradict, never grant."""
    IGNORED = "ignored"
    """Recorded and not weighed: licence badges have been seen to lie."""


KINDS = {
    "ia.licenseurl": FieldKind.DEDICATED,
    "ia.license": FieldKind.DEDICATED,
    "ia.file.license": FieldKind.RIGHTS,
    "ia.rights": FieldKind.RIGHTS,
    "ia.possible-copyright-status": FieldKind.RIGHTS,
    "ia.description": FieldKind.FREE,
    "fma.license_url": FieldKind.DEDICATED,
    "fma.license_title": FieldKind.DEDICATED,
    "fma.license_image_file": FieldKind.IGNORED,
    "fma.track_copyright_c": FieldKind.FREE,
    "fma.track_copyright_p": FieldKind.FREE,
    "jamendo.license_ccurl": FieldKind.DEDICATED,
    "freesound.license": FieldKind.DEDICATED,
    "soundcloud.license": FieldKind.DEDICATED,
    "ccmixter.license_url": FieldKind.DEDICATED,
    "ccmixter.license_name": FieldKind.DEDICATED,
    "flickr.license": FieldKind.DEDICATED,
    "youtube.license": FieldKind.DEDICATED,
    "podcast.license": FieldKind.DEDICATED,
    "rss.creativeCommons:license": FieldKind.DEDICATED,
    "rss.cc:license": FieldKind.DEDICATED,
    "rss.media:license": FieldKind.DEDICATED,
    "rss.dcterms:license": FieldKind.DEDICATED,
    "rss.license": FieldKind.DEDICATED,
    "rss.dc:rights": FieldKind.NOTICE,
    "rss.dcterms:rights": FieldKind.NOTICE,
    "rss.copyright": FieldKind.FREE,
    "atom.link-license": FieldKind.DEDICATED,
    "atom.rights": FieldKind.RIGHTS,
    "commons.License": FieldKind.DEDICATED,
    "commons.LicenseShortName": FieldKind.DEDICATED,
    "commons.LicenseUrl": FieldKind.DEDICATED,
    "commons.UsageTerms": FieldKind.RIGHTS,
    "commons.Permission": FieldKind.FREE,
    "edm.rights": FieldKind.DEDICATED,
    "html.rel-license": FieldKind.DEDICATED,
    "html.img": FieldKind.IGNORED,
    "html.footer": FieldKind.FREE,
    "rights-text": FieldKind.RIGHTS,
    "description-text": FieldKind.FREE,
    "xmp.cc:license": FieldKind.DEDICATED,
    "xmp.xmpRights:UsageTerms": FieldKind.RIGHTS,
    "xmp.xmpRights:WebStatement": FieldKind.FREE,
    "xmp.dc:rights": FieldKind.NOTICE,
    "id3.WCOP": FieldKind.DEDICATED,
    "id3.TCOP": FieldKind.NOTICE,
    "id3.TXXX:LICENSE": FieldKind.RIGHTS,
    "id3.TXXX:LICENCE": FieldKind.RIGHTS,
    "id3.TXXX:USAGETERMS": FieldKind.RIGHTS,
    "id3.TXXX:RIGHTS": FieldKind.RIGHTS,
    "id3.TXXX:COPYRIGHT": FieldKind.NOTICE,
    "id3.WXXX:LICENSE": FieldKind.RIGHTS,
    "id3.WXXX:LICENCE": FieldKind.RIGHTS,
    "id3.WXXX:COPYRIGHT": FieldKind.NOTICE,
    "id3.USER": FieldKind.RIGHTS,
    "id3.COMM": FieldKind.FREE,
    "id3.WOAF": FieldKind.FREE,
    "id3v1.comment": FieldKind.FREE,
    "vorbis.LICENSE": FieldKind.RIGHTS,
    "vorbis.COPYRIGHT": FieldKind.NOTICE,
    "vorbis.CONTACT": FieldKind.FREE,
    "vorbis.LICENCE": FieldKind.RIGHTS,
    "vorbis.RIGHTS": FieldKind.NOTICE,
    "vorbis.USAGE-TERMS": FieldKind.RIGHTS,
    "ape.License": FieldKind.RIGHTS,
    "ape.Licence": FieldKind.RIGHTS,
    "ape.Copyright": FieldKind.NOTICE,
    "ape.Publicationright": FieldKind.NOTICE,
    "mp4.cprt": FieldKind.NOTICE,
    "mp4.©cpy": FieldKind.NOTICE,
    "mp4.----:LICENSE": FieldKind.RIGHTS,
    "mp4.----:LICENCE": FieldKind.RIGHTS,
    "mp4.----:COPYRIGHT": FieldKind.NOTICE,
    "riff.ICOP": FieldKind.NOTICE,
    "riff.ILIC": FieldKind.RIGHTS,
    "aiff.(c)": FieldKind.NOTICE,
    "matroska.LICENSE": FieldKind.RIGHTS,
    "matroska.COPYRIGHT": FieldKind.NOTICE,
    "matroska.TERMS_OF_USE": FieldKind.RIGHTS,
    "xmp.xmpRights:Marked": FieldKind.IGNORED,
    "xmp.xmpDM:copyright": FieldKind.NOTICE,
    "embedded.unread": FieldKind.DEDICATED,
    "archive.same-bytes": FieldKind.DEDICATED,
    "archive.withdrawn": FieldKind.DEDICATED,
    "operator.licence": FieldKind.DEDICATED,
    "manifest.licence": FieldKind.DEDICATED,
    "manifest.rights": FieldKind.RIGHTS,
    "sidecar.licence": FieldKind.DEDICATED,
    "sidecar.statement": FieldKind.RIGHTS,
    **{
        f"bag-info.{label}": FieldKind.DEDICATED
        for label in (
            *("License-URL", "Licence-URL", "License-URI", "Licence-URI", "License", "Licence", "License-Name"),
            *("DC-License", "DCTerms-License", "Dublin-Core-License", "Rights-URI", "Rights-URL", "Rights-License"),
        )
    },
    **{
        f"bag-info.{label}": FieldKind.RIGHTS
        for label in (
            *(
                "Rights",
                "Rights-Statement",
                "DC-Rights",
                "Dublin-Core-Rights",
                "Usage-Rights",
                "Use-Rights",
                "Usage-Terms",
            ),
            *(
                "Terms-Of-Use",
                "Access-Rights",
                "Access-Conditions",
                "Use-Conditions",
                "Conditions-Of-Use",
                "Restrictions",
            ),
            *("Copyright-Status", "License-Text", "Licence-Text"),
        )
    },
    **{
        f"bag-info.{label}": FieldKind.NOTICE
        for label in ("Copyright", "Copyright-Notice", "Copyright-Holder", "Rights-Holder")
    },
}
"""By ``source.field``, spelled as the source spells it."""

_EMBEDDED = frozenset(
    [
        "id3",
        "id3v1",
        "vorbis",
        "ape",
        "mp4",
        "riff",
        "bext",
        "aiff",
        "matroska",
        "xmp",
        "embedded",
        "archive",
        "sidecar",
    ]
)
"""What stands before the point in a field that was read in a file, or that the archive itself added about its bytes; the source does not say it again."""

_FOLDED = {name.lower(): kind for name, kind in KINDS.items()}


def is_embedded(field: str) -> bool:
    """Tell whether a field was read in a file itself, and not in what its source says."""
    return field.partition(".")[0].lower() in _EMBEDDED


def kind_of(field: str) -> FieldKind:
    """Return what a field is for; the trailing ``[]`` of a repeated field does not count, nor does case."""
    return _FOLDED.get(field.removesuffix("[]").lower(), FieldKind.FREE)
