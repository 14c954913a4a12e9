"""The process that decodes: reads requests as JSON lines, answers each with one line, and may die of a file.

python -P -m archiver.audio.worker CPU_SECONDS MEMORY_BYTES
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from archiver.audio.examining import examine
from archiver.core.examinations import Remark, hopeless


def main() -> None:
    """Answer requests until the input ends."""
    seconds, memory = int(sys.argv[1]), int(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # a library that prints must not be taken for an answer
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    for line in sys.stdin:
        request = json.loads(line)
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + seconds
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        try:
            answer = examine(Path(request["path"]), name=request["name"])
        except MemoryError:
            answer = hopeless(request["name"], Remark.LIMIT, f"memory: expected at most {memory} bytes")
        except Exception as error:  # noqa: BLE001 - the boundary of one file: its fault is its answer
            answer = hopeless(request["name"], Remark.WORKER_DIED, f"{type(error).__name__}: {error}"[:300])
        answers.write(json.dumps(answer.to_json()) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
