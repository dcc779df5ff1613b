"""Plain rows of a roster of residents, made ready without a model each.

In most rows nothing is new but a name, a number, a telephone number and an address, and those are written as everybody writes
them. So models and rules judge a *sample* of each combination of the other cells – the row's own words about a made-up person –
and write down what comes of it (`samples.py`); of a row nothing is judged then but its own name, number and days, which are put
where the sample's stood (`chassis/forms.py`). A row with anything out of the ordinary is not plain and goes through the models
itself (`imports/rows.py`, `prepared.py`). They would make the same of a plain one, byte for byte
(`tests/registry/test_plain_rows.py`).
"""
