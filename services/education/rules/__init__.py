"""The law of school entry, pure: no database, no clock, no files.

`placement/` gives places by priority, points and wishes, explains each and proves it; `eligibility/` judges dated evidence;
`season/` is the calendar of an admission round.
"""
