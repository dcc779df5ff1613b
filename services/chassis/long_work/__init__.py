"""Long work: acts that take longer than a request, as operations that a process of their own works off (architecture §4).

`README.md` beside this file tells an operation's way; decision 0023 tells why it is this way.
"""
