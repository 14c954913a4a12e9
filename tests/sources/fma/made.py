"""A hand-made dataset in the form of the real one."""

from __future__ import annotations

import csv
import hashlib
import io
import zipfile

HEADER = """\
track_id album_id album_title album_url artist_id artist_name artist_url artist_website license_image_file
license_image_file_large license_parent_id license_title license_url tags track_bit_rate track_comments
track_composer track_copyright_c track_copyright_p track_date_created track_date_recorded track_disc_number
track_duration track_explicit track_explicit_notes track_favorites track_file track_genres track_image_file
track_information track_instrumental track_interest track_language_code track_listens track_lyricist
track_number track_publisher track_title track_url
"""
COLUMNS = HEADER.split()

CC = "http://creativecommons.org/licenses"
LICENCES = [
    ("Attribution-Noncommercial-Share Alike 3.0 United States", f"{CC}/by-nc-sa/3.0/us/"),
    ("Attribution-NonCommercial-ShareAlike 3.0 International", f"{CC}/by-nc-sa/3.0/"),
    ("Attribution-NonCommercial-NoDerivatives (aka Music Sharing) 3.0 International", f"{CC}/by-nc-nd/3.0/"),
    ("Attribution-Noncommercial-No Derivative Works 3.0 United States", f"{CC}/by-nc-nd/3.0/us/"),
    ("Attribution-Noncommercial-No Derivative Works 2.0 UK: England ", f"{CC}/by-nc-nd/2.0/uk/"),
    ("Attribution", f"{CC}/by/4.0/"),
]
"""Every licence of the recorded sample (CC BY 4.0, Defferrard et al. 2017) that allows copying."""
LIMITED = ("FMA-Limited: Download Only", "http://freemusicarchive.org/FMA_License")
NONE = ("", "")


def path_of(track):
    return f"{f'{track:06d}'[:3]}/{track:06d}.mp3"


def audio_of(track, *, frames=4):
    """A few silent frames of MPEG-1 Layer III, 128 kbit/s, and a number that makes them this track's."""
    return (
        b"ID3\x04\x00\x00\x00\x00\x00\x00"
        + (b"\xff\xfb\x90\xc4" + bytes(413)) * frames
        + b"\0" * 8
        + track.to_bytes(4, "big")
    )


def row_of(track, licence, **fields):
    title, url = licence
    return {
        **dict.fromkeys(COLUMNS, ""),
        "track_id": str(track), "track_title": f'Track, "{track}"\nsecond line', "artist_name": f"Künstler {track % 7}",
        "license_title": title, "license_url": url, "track_duration": "02:48", "track_bit_rate": "256000",
        "tags": "['a', 'b']", "track_genres": "[{'genre_id': '21', 'genre_title': 'Hip-Hop', 'genre_url': 'http://x/'}]",
        "track_date_created": "11/26/2008 01:48:12 AM", "track_url": f"http://freemusicarchive.org/music/T/{track}",
        **fields,
    }  # fmt: skip


def table(rows, columns=COLUMNS):
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def sums(tracks):
    return "".join(
        f"{hashlib.sha1(content).hexdigest()}  {path_of(track)}\n" for track, content in tracks.items()
    ).encode()


def write_zip(path, members, *, method=zipfile.ZIP_BZIP2):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def write_metadata(folder, rows, *, checksums=True):
    content = table(rows)
    members = {"fma_metadata/README.txt": b"x", "fma_metadata/raw_tracks.csv": content}
    if checksums:
        members["fma_metadata/checksums"] = f"{hashlib.sha1(content).hexdigest()}  raw_tracks.csv\n".encode()
    return write_zip(folder / "fma_metadata.zip", members)


def write_audio(folder, tracks, *, checksums=None, name="fma_full", method=zipfile.ZIP_BZIP2):
    members = {f"{name}/README.txt": b"x", f"{name}/checksums": sums(tracks) if checksums is None else checksums}
    members |= {f"{name}/{path_of(track)}": content for track, content in tracks.items()}
    return write_zip(folder / f"{name}.zip", members, method=method)
