"""The same points for very many people at once: facts as columns, lines and conditions as operations on them.

`population` facts as columns · `exact` numbers as columns, never floats · `days` the calendar · `counting`, `judging`,
`scoring` the same law as in the modules of these names one level up, for all persons of a population on one day · `ranking`.

Nothing falls back to one person: what does not fit into 64 bits goes on with Python's own whole numbers, in the same columns.
That both engines agree on every component is tested over rule sets and people made at random
(`tests/points_hukou/test_vectors.py`).
"""
