"""A catalogue in memory."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from archiver.core.coverage import Spread
from archiver.core.crawls import Sighting, Stage
from archiver.core.holdings import CopyStatus, SeenBytes
from archiver.core.outcomes import Outcome
from archiver.core.sounds import DuplicateGroup, Placed, Sameness
from archiver.core.suspicions import Recording
from archiver.core.totals import Run, StoreTotals, Totals


def _text(value):
    return value.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\0", "\ufffd")


def _spread(held):
    good = frozenset(copy.store for copy in held.copies if copy.status is CopyStatus.GOOD)
    return Spread(good, frozenset(copy.store for copy in held.copies) - good)


class MemoryCatalogue:
    """See `archiver.ports.catalogue`. ``fails`` makes the next write raise it."""

    def __init__(self, fails=None):
        self.aips = {}
        self.file_lists = {}
        self.event_list = []
        self.run_list = []
        self.sightings = {}
        self.windows = {}
        self.outcomes = {}
        self.history = []
        self.case_list = []
        self.measurements = {}
        self.fails = fails

    def _write(self):
        if self.fails is not None:
            failure, self.fails = self.fails, None
            raise failure

    def latest(self, item):
        return max(
            (held for key, held in self.aips.items() if key[0] == item), key=lambda held: held.version, default=None
        )

    def versions(self, item):
        return tuple(self.aips[key] for key in sorted(self.aips) if key[0] == item)

    def holdings(self, *, text=""):
        for item in sorted({key[0] for key in self.aips}):
            held = self.latest(item)
            if text.casefold() in f"{held.item}\n{held.title}\n{held.licence}".casefold():
                yield held

    def files(self, item, version):
        yield from sorted(self.file_lists.get((item, version), []), key=lambda file: file.path)

    def events(self, item):
        yield from [event for event in self.event_list if event.item == item]

    def measured(self, item, version, found):
        self._write()
        if (item, version) in self.aips:
            self.measurements[item, version] = sorted(found, key=lambda one: one.path)

    def recordings(self):
        for item in sorted({key[0] for key in self.aips}):
            version = self.latest(item).version
            known = {
                sound.path: Recording(item, version, sound.path, None, sound.seconds, sound.codes, is_examined=True)
                for sound in self.latest(item).sounds
            }
            for one in self.measurements.get((item, version), []):
                known[one.path] = replace(known.get(one.path, Recording(item, version, one.path)), measured=one)
            if known:
                yield tuple(known[path] for path in sorted(known))

    def same_sounds(self):
        for keyed, kind in ((lambda sound: sound.pcm_md5, "pcm"), (lambda sound: sound.packets_sha256, "packets")):
            groups = {}
            for placed in self._placed():
                sound = placed.sound
                if keyed(sound) and (kind == "pcm" or not sound.pcm_md5):
                    key = keyed(sound), sound.sample_rate, sound.channels
                    groups.setdefault(key, []).append(placed)
            for (digest, *_), group in sorted(groups.items()):
                if len(group) > 1:
                    packets = {one.sound.packets_sha256 for one in group}
                    is_same = len(packets) == 1
                    found = (Sameness.PACKETS, packets.pop()) if is_same else (Sameness.SAMPLES, digest)
                    yield DuplicateGroup(*found, tuple(group))

    def fingerprinted(self):
        return (one for one in self._placed() if one.sound.fingerprint)

    def sound_counts(self):
        return len(self._placed()), len(list(self.fingerprinted()))

    def examined_items(self):
        return len({one.item for one in self._placed()})

    def _placed(self):
        newest = [self.latest(item) for item in sorted({key[0] for key in self.aips})]
        return [
            Placed(held.item, held.version, held.licence, sound)
            for held in newest
            for sound in sorted(held.sounds, key=lambda sound: sound.path)
        ]

    def totals(self):
        stores = sorted({copy.store for held in self.aips.values() for copy in held.copies})
        latest = list(self.outcomes.values())
        return Totals(
            items=len({key[0] for key in self.aips}),
            versions=len(self.aips),
            files=sum(held.files for held in self.aips.values()),
            bytes=sum(held.bytes for held in self.aips.values()),
            stores=tuple(self._store(store) for store in stores),
            undecided=latest.count(Outcome.QUARANTINED),
            failed=latest.count(Outcome.FAILED),
            refused=latest.count(Outcome.REFUSED),
            last_runs=tuple(reversed(self.run_list))[:10],
        )

    def _store(self, store):
        pairs = [(held, copy) for held in self.aips.values() for copy in held.copies if copy.store == store]
        good = sum(copy.status is CopyStatus.GOOD for _, copy in pairs)
        oldest = min(copy.checked_at for _, copy in pairs)
        return StoreTotals(store, len(pairs), sum(held.bytes for held, _ in pairs), good, oldest)

    def spreads(self):
        return dict(Counter(map(_spread, self.aips.values())))

    def spread_as(self, spread):
        yield from [(held.item, held.version) for _, held in sorted(self.aips.items()) if _spread(held) == spread]

    def begin(self, *, selection, selection_digest, at):
        self._write()
        run = Run(len(self.run_list) + 1, selection, selection_digest, at, None, complete=False, counts=())
        self.run_list.append(run)
        return run

    def ingested(self, holding, files, events, *, decision):
        self._write()
        key = (holding.item, holding.version)
        if key in self.aips:
            self.aips[key] = replace(self.aips[key], copies=holding.copies)
            return
        self.aips[key] = replace(holding, title=_text(holding.title))
        self.file_lists[key] = list(files)
        self.event_list += events

    def answered(self, run, outcome, *, at):
        self._write()
        self.outcomes[outcome.item] = outcome.outcome
        self.history.append((run.id, outcome))
        self._remember(run, outcome, at)

    def appended(self, events):
        self._write()
        self.event_list += events

    def end(self, run, *, at, complete, counts, crawl=None):
        self._write()
        numbers = tuple((outcome, counts[outcome]) for outcome in Outcome if outcome in counts)
        self.run_list[run.id - 1] = replace(run, ended_at=at, complete=complete, counts=numbers, crawl=crawl)

    def runs(self, *, selection="", limit):
        found = [run for run in reversed(self.run_list) if selection in {"", run.selection}]
        yield from found[:limit]

    def sighted(self, selection, items):
        return {item: self._sighting(selection, item) for item in items if (selection, item) in self.sightings}

    def _sighting(self, selection, item):
        known, held = self.sightings[selection, item][1], self.latest(item)
        verdicts = [verdict for case in self.case_list if case.item == item for verdict in case.verdicts]
        return replace(
            known,
            aip=held.prefix.rstrip("/") if held else "",
            licence=held.licence if held else "",
            files=held.files if held else 0,
            stores=frozenset(copy.store for copy in held.copies) if held else frozenset(),
            damaged=tuple(copy.store for copy in held.copies if copy.status is not CopyStatus.GOOD) if held else (),
            is_settled=all(verdict.at <= known.described_at for verdict in verdicts),
        )

    def met(self, run, outcomes, *, at):
        self._write()
        for one in outcomes:
            key = (run.selection, one.item)
            if one.stage == Stage.RECOGNISED:
                self.outcomes[one.item] = one.outcome
                if key in self.sightings:
                    self.sightings[key] = (run.id, self.sightings[key][1])
                continue
            self._remember(run, one, at)

    def _remember(self, run, one, at):
        mark = "" if one.outcome is Outcome.FAILED else one.mark
        sighting = Sighting(one.item, mark, one.outcome, one.reasons, _text(one.detail), at)
        self.sightings[run.selection, one.item] = (run.id, sighting)

    def unmet(self, run):
        for (selection, item), (met, _) in sorted(self.sightings.items(), key=lambda entry: entry[0]):
            if selection == run.selection and met != run.id and self.latest(item):
                yield item

    def forget(self, run, items):
        self._write()
        for item in items:
            self.sightings.pop((run.selection, item), None)

    def window(self, selection):
        return self.windows.get(selection)

    def moved(self, selection, window):
        self._write()
        self.windows[selection] = window

    def opened(self, case):
        self._write()
        known = (case.item, case.item_set, case.whole_set)
        if known not in {(one.item, one.item_set, one.whole_set) for one in self.case_list}:
            self.case_list.append(replace(case, id=len(self.case_list) + 1))

    def cases(self, item):
        return tuple(case for case in self.case_list if case.item == item)

    def every_case(self):
        for item in sorted({case.item for case in self.case_list}):
            yield self.cases(item)[-1]

    def judged(self, case, verdict):
        self._write()
        known = self.case_list[case.id - 1]
        self.case_list[case.id - 1] = replace(known, verdicts=(*known.verdicts, verdict))

    def seen(self, digests):
        wanted = set(digests)
        found = []
        for item in sorted({key[0] for key in self.aips}):
            held = self.latest(item)
            found += [
                SeenBytes(file.sha256, item, held.licence, file.path)
                for file in self.files(item, held.version)
                if file.sha256 in wanted
            ]
        return tuple(found)

    def stating(self, category, value):
        items = {key[0] for key in self.aips}
        return frozenset(item for item in items if (category, value) in self.latest(item).preferences)

    def stored_by(self, selection):
        runs = {run.id for run in self.run_list if run.selection == selection}
        return frozenset(one.item for run, one in self.history if run in runs and one.outcome is Outcome.STORED)
