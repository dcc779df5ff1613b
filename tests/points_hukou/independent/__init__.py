"""A second opinion: every scheme counted again, written from the policy text by somebody who had not seen the engine or its rule sets.

Plain on purpose: one module per scheme, one function per item, nothing shared but dates and rounding. Where the text leaves a doubt,
the reading is the one of the rule set's `choices.toml`. Nothing here may import the service (`test_independent.py` sees to that).
"""
