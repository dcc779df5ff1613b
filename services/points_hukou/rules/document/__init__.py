"""The format of a rule set, as an official writes it (`rule_sets/README.md`): few kinds, which combine.

`facts` what is asked of a person · `measures` how it is counted · `conditions` when something holds · `lines` points for it ·
`rule_set` items, parts, services, clauses, ranking. Everything is frozen, strict, and refuses keys it does not know.
"""
