import mmap
import random

import pytest

from archiver.audio.crc16 import BLOCK, crc16_arc


def mapped(tmp_path, content):
    path = tmp_path / "bytes"
    path.write_bytes(content)
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def test_the_check_value_is_that_of_the_catalogue_of_checksums(tmp_path):
    assert crc16_arc(mapped(tmp_path, b"123456789"), 0, 9) == 0xBB3D  # "check" of CRC-16/ARC


@pytest.mark.parametrize("size", [1, 257, BLOCK - 1, BLOCK, BLOCK + 3])
def test_lanes_give_what_one_bit_after_the_other_gives(tmp_path, size):
    content = random.Random(size).randbytes(size)
    table = []
    for byte in range(256):
        entry = byte
        for _ in range(8):
            entry = entry >> 1 ^ (0xA001 if entry & 1 else 0)
        table.append(entry)
    state = 0
    for byte in content:
        state = state >> 8 ^ table[(state ^ byte) & 0xFF]

    assert crc16_arc(mapped(tmp_path, content), 0, size) == state
