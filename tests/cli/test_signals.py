"""A signal in the first moments: the program ends with a word and the right status, whatever it was importing."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.archive import environment

pytestmark = pytest.mark.once


def catches(pid: int, number: int) -> bool:
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return bool(caught and int(caught[1], 16) >> (number - 1) & 1)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("moments", [0, 3, 40])
def test_a_signal_in_the_first_moments_ends_with_a_word_and_status_130(tmp_path, number, moments):
    command = [sys.executable, "-m", "archiver", "--home", str(tmp_path), "audit", "--all"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment()) as process:
        while not catches(process.pid, signal.SIGTERM):  # Python itself has not come to our first line yet
            time.sleep(0.001)
        time.sleep(moments / 1000)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    if process.returncode == 1:
        pytest.skip("it had ended before")
    assert (process.returncode, "interrupted" in said, "Traceback" in said) == (130, True, False), said
