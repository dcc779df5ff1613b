"""From what offices, certificates and the registry say of a person to the facts points are counted from (P-10).

`sources` which field feeds which fact, and how reliable sources are · `registered` what the registry's events say of a person ·
`gathering` of several sources the best counts, and what disagrees is shown.
"""
