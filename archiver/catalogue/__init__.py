"""The ledger: objects, copies, events and decisions in SQL. An index of the bags; it decides nothing.

`opening` opens it whole, `glancing` for a look at its sums; nothing is imported here, because SQLAlchemy takes longer to
import than such a look to answer.
"""
