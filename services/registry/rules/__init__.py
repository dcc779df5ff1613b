"""The law of the registry: pure functions over frozen facts and dated parameters; no clock, no I/O, no web, no database.

Start at `law.py` (what a service loads once), then `residence_registration.py`, `residence_permit.py` (the words of the
permit and what every regime answers), `zj_2016.py` (the regime in force) and `permit_states.py`. `RR-xx` and `C-xx` are the
numbers of the policy pages.
"""
