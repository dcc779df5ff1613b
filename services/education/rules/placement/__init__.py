"""Who gets which school place (education.md §5), from `problem.py` (what is known) over `placing.py` (who gets what) and
`outcomes.py` (why) to `bundle.py` (so that anybody can check it). Decision 0036 tells what is promised.
"""
