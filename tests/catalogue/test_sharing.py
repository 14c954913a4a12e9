"""What processes tell each other through a catalogue in PostgreSQL; each session here stands for a process."""

from __future__ import annotations

import hashlib
import threading
import time

import pytest

from archiver.catalogue.claiming import ITEM as ITEM_LOCK
from archiver.catalogue.claiming import number
from archiver.catalogue.opening import open_catalogue
from archiver.catalogue.pacing import SharedSlots
from archiver.clock import SystemClock
from archiver.core.errors import InterruptedRunError, SourceUnavailableError
from archiver.core.fixity import Algorithm, Digest
from archiver.core.items import ItemId

pytestmark = pytest.mark.xdist_group("postgresql")

ITEM, OTHER = ItemId("s", "one"), ItemId("s", "other")
BYTES = [Digest(Algorithm.SHA256, hashlib.sha256(bytes([n])).hexdigest()) for n in range(3)]


@pytest.fixture
def clock():
    return SystemClock()


@pytest.fixture(scope="module")
def catalogue(postgresql):
    catalogue = open_catalogue(postgresql.new_database())
    yield catalogue
    catalogue.close()


@pytest.fixture
def sessions(catalogue, clock):
    made = [catalogue.claims(clock), catalogue.claims(clock)]
    yield made
    for one in made:
        one.close()


def test_an_item_is_in_one_hand_at_a_time_over_processes_and_threads(sessions, clock):
    one, other = sessions
    assert not other.is_anybody_here()
    with one.held(ITEM):
        assert other.is_anybody_here()
        assert not one.is_anybody_here()
        for beside in sessions:
            waiting = threading.Timer(0.2, clock.stop)
            waiting.start()
            with pytest.raises(InterruptedRunError), beside.held(ITEM):
                pytest.fail("two hands on one item")
            waiting.join()
            clock._stop.clear()
        with other.held(OTHER):
            pass
    with other.held(ITEM):
        pass


def test_what_a_process_held_is_free_as_soon_as_it_has_died(catalogue, clock, sessions):
    dying = catalogue.claims(clock)
    assert dying._try((ITEM_LOCK, number(str(ITEM))))
    dying._connection.connection.dbapi_connection.close()  # as the kernel does for a killed process
    began = time.monotonic()
    with sessions[0].held(ITEM):
        assert time.monotonic() - began < 2


def test_bytes_of_an_item_in_another_hand_are_known_and_those_of_a_dead_hand_are_forgotten(catalogue, sessions):
    one, other = sessions
    here, there = catalogue.bytes_in_hand(one), catalogue.bytes_in_hand(other)
    with one.held(ITEM):
        assert here.claim(BYTES[:2], ITEM, "CC-BY") == ()
        with other.held(OTHER):
            (found,) = there.claim(BYTES[1:], OTHER, "CC0")
            assert (found.item, found.licence, found.sha256) == (ITEM, "CC-BY", BYTES[1])
            there.release(OTHER)
    with other.held(OTHER):  # ITEM's row is still there, and nobody holds ITEM
        assert there.claim(BYTES[1:], OTHER, "CC0") == ()


def test_turns_of_a_host_are_apart_over_processes_and_its_own_wish_holds_for_all(catalogue, clock):
    times = [catalogue.host_times(clock), catalogue.host_times(clock)]
    began = time.monotonic()
    for turn in range(11):
        times[turn % 2].take("host", interval=0.03)
    assert 0.3 <= time.monotonic() - began < 2
    times[0].hold("host", seconds=0.4)
    began = time.monotonic()
    times[1]._looked.clear()
    times[1].take("host", interval=0)
    assert time.monotonic() - began > 0.3
    times[0].hold("far", seconds=7200)
    with pytest.raises(SourceUnavailableError, match="left alone"):
        times[1].take("far", interval=0.01)


def test_no_more_bodies_are_open_than_the_source_allows_over_processes(sessions):
    slots = [SharedSlots(one, "s", 2) for one in sessions]
    now, most, lock = 0, 0, threading.Lock()

    def fetch(number):
        nonlocal now, most
        with slots[number % 2].taken():
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.05)
            with lock:
                now -= 1

    threads = [threading.Thread(target=fetch, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 2
