"""Attachments: files that come in with an act, encrypted, content-addressed, kept as long as something refers to them.

`README.md` beside this file tells a file's way; decision 0014 tells why it is this way.
"""
