"""A second opinion: every scheme counted again from the policy text, by somebody who had not seen the engine's rule sets.

Plain on purpose: one module per scheme, one function per item, nothing shared but dates and rounding. Where the text leaves
a doubt, the reading is the one of the rule set's `choices.toml`. Nothing here imports the service.
"""
