"""A second opinion on placements: the textbook, one proposal at a time, from the published document alone.

Plain on purpose and slow. Nothing here imports the service, so what both have wrong in common must be in the text.
"""
