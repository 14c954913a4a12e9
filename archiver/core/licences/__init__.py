"""The licence gate's rules, pure: declarations become evidence, evidence becomes a decision. Offline and total on any input.

    Declaration ── weigh ──> Evidence ── combine ──> Decision

A closed table of the legal tools of Creative Commons decides, never a pattern. It fails closed: what is not certain is
refused or quarantined.
"""
