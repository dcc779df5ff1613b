"""Points by published rule sets: pure, no database, no clock, no files.

`document/` is what an official writes (a rule set as TOML, validated); `compiling` makes a rule set of it, with the city's
choices; `facts` reads what is known of one person; `scoring` counts and explains; `replaying` keeps it for years.
"""
