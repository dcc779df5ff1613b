"""Immunisation by the Chinese programme: pure, no database, no clock, no files.

`document/` is what an official writes (editions of the schedule as TOML, validated); `compiling` makes a programme of them;
`child` is what is known of a child; `evaluating` judges each dose by the edition of its day; `forecasting` says what comes
next; `planning` brings a child who is behind up to date; `wording` tells it in both languages.
"""
