"""One slow place fills its own line and no other: a host that drips, a store that hangs, an examination that takes long.

Whatever is slow here waits until the others are through, or gives up after `LONG` and fails the test.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest

from archiver import wiring
from archiver.core.errors import InterruptedRunError
from archiver.engines.bounds import Bounds
from archiver.engines.threads import ThreadEngine
from archiver.rehearsal.corpus import DoubleFile, DoubleItem
from archiver.rehearsal.double import ArchiveDouble
from archiver.settings.reading import read_settings
from archiver.settings.selections import read_selection
from archiver.workflows.harvest import harvest
from tests.archive import LICENCE, Archive, environment
from tests.doubles.service import Reply, ServiceDouble
from tests.doubles.services import BY, SOUND
from tests.sources.walking import archive_of

pytestmark = pytest.mark.once
LONG = 60.0
"""Seconds after which what waits for something here gives up."""
JOBS = 2


class Silence:
    def __getattr__(self, name):
        return lambda *_, **__: None


@contextmanager
def walking(archive, selection="all", *, most=12, slow=0.05):
    """What a harvest walks through, with two jobs, where an item counts as stuck after a moment."""
    settings = read_settings(config=archive.root / "archiver.toml", environment=environment())
    chosen = read_selection(str(archive.root / "manifests" / f"{selection}.toml"), settings)
    clock = wiring.clock()
    with wiring.opened_walk(settings, chosen, clock=clock, progress=Silence(), jobs=JOBS) as walk:
        items = ThreadEngine(JOBS, name="item", most=most, slow=slow)
        try:
            stages = Bounds(JOBS, each=2, volume=1 << 30, slow=slow, clock=clock)
            yield chosen, replace(walk, items=items, stages=stages)
        finally:
            items.close()


def names(outcomes):
    return [outcome.item.name for outcome in outcomes if outcome.outcome == "stored"]


@pytest.fixture
def double():
    items = [
        DoubleItem(f"item-{n:02}", (DoubleFile("a.wav", b"RIFF" + bytes([n]) * 500),), {"licenseurl": LICENCE})
        for n in range(10)
    ]
    with ArchiveDouble(items) as double:
        yield double


class SlowStore:
    """A store whose puts wait until something else is far enough."""

    def __init__(self, store, is_enough):
        self._store = store
        self._is_enough = is_enough
        self.gave_up = False
        self._lock = threading.Lock()

    def __getattr__(self, name):
        return getattr(self._store, name)

    def put(self, *arguments, **named):
        with self._lock:  # one looks for all
            self.gave_up = self.gave_up or not waited(self._is_enough)
        return self._store.put(*arguments, **named)

    def put_all(self, offers):
        return [self.put(one.key, one.content, sha256=one.sha256, adopt=one.adopt) for one in offers]


def waited(is_enough):
    pause = threading.Event()
    for _ in range(int(LONG / 0.05)):
        if is_enough():
            return True
        pause.wait(0.05)
    return False


@pytest.mark.parametrize("stores", [("primary", "slow"), ("slow", "primary")])
def test_a_slow_store_does_not_keep_the_bags_from_another(tmp_path, double, stores):
    archive = Archive(tmp_path / "archive", double.url, {name: {"url": f"{name}/"} for name in stores})
    with walking(archive) as (selection, walk):
        slow = SlowStore(walk.vault["slow"], lambda: len(archive.bags()) > JOBS)
        vault = {**walk.vault, "slow": slow}
        stores_ = {name: vault[name] for name in walk.stores}
        stored = names(harvest(selection, replace(walk, vault=vault, stores=stores_)))

    assert not slow.gave_up, "with two jobs, only two bags came to the other store"
    assert len(stored) == 10
    assert len(archive.bags("slow")) == len(archive.bags()) == 10
    assert archive.left_in_staging() == []
    shown = archive.run("list", "--output", "jsonl").records
    assert {tuple(copy["store"] for copy in record["copies"]) for record in shown} == {("primary", "slow")}


def test_items_come_in_while_others_are_examined(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url, audio={"examiners": "1"})
    gave_up = []

    class SlowExaminer:
        def examine(self, path, *, name):
            gave_up.append(any(gave_up) or not waited(lambda: len(double.asked_for_bytes()) >= 8))
            return examiner.examine(path, name=name)

    with walking(archive) as (selection, walk):
        examiner = walk.examining.examiner
        examining = replace(walk.examining, examiner=SlowExaminer())
        stored = names(harvest(selection, replace(walk, examining=examining)))

    assert not any(gave_up), "with two jobs, only two items were asked for"
    assert len(stored) == 10


def test_no_more_is_in_hand_than_is_allowed_however_slow_the_store_is(tmp_path, double):
    archive = Archive(tmp_path / "archive", double.url)
    most = []
    with walking(archive, most=5) as (selection, walk):

        def is_enough():
            most.append(len({path.parts[0] for path in staged(archive)}))
            return len(most) > 60

        store = SlowStore(walk.stores["primary"], is_enough)
        stores = {"primary": store}
        assert len(names(harvest(selection, replace(walk, vault=stores, stores=stores)))) == 10

    assert max(most) == 5


def staged(archive):
    root = archive.root / "staging"
    return [path.relative_to(root) for path in root.glob("*/item")]


def test_a_host_that_drips_has_its_share_of_the_walkers_and_no_more(tmp_path):
    quick_ones = [f"quick-{n}" for n in range(8)]

    def answer(request):
        if request.path.startswith("/slow"):
            gave_up.append(any(gave_up) or not waited(lambda: len(quick.requests) == len(quick_ones)))
        return Reply(SOUND + request.path.encode(), headers={"Content-Type": "audio/mpeg"})

    gave_up = []
    lists = tmp_path / "lists"
    lists.mkdir()
    with ServiceDouble(answer) as slow, ServiceDouble(answer) as quick:
        rows = [f"slow-{n},{slow.url}/slow-{n}.mp3,{BY}" for n in range(9)]
        rows += [f"{name},{quick.url}/{name}.mp3,{BY}" for name in quick_ones]
        (lists / "mixed.csv").write_text("item,url,licence\n" + "\n".join(rows) + "\n")
        archive = archive_of(
            tmp_path, "url-manifest", "http://127.0.0.1:9", options={"folder": str(lists)}, query="mixed.csv"
        )
        with walking(archive, "mine") as (selection, walk):
            stored = [name.partition(".")[2] for name in names(harvest(selection, walk))]

    assert not any(gave_up), "two items of the host that drips kept both walkers"
    assert len(stored) == 17
    assert slow.busiest["files"] <= 2, "more bodies at once than the source allows"


def test_a_stop_ends_every_wait_in_line():
    class Stopped:
        def wait(self, seconds):
            raise InterruptedRunError("stopped")

    bounds = Bounds(1, each=1, volume=10, slow=1, clock=Stopped())
    with bounds.staged(100), bounds.capturing(""):
        with pytest.raises(InterruptedRunError), bounds.capturing(""):
            pass
        with pytest.raises(InterruptedRunError), bounds.staged(11):
            pass
        with bounds.capturing("example.org"):
            pass
    with bounds.staged(100), bounds.capturing(""):
        pass
