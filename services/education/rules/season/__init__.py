"""The calendar of an admission round: steps with days and terms, in the order the law wants them, each to be taken back until
it is published. What a city's season is like is a template (`services/education/seasons/`).
"""
