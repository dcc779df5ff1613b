"""Whether a child may be placed by points: conditions over dated evidence, each with its own day and its own rule of continuity
(education.md §3). What one city asks is data (`services/education/eligibility/`); nothing here knows a city.
"""
