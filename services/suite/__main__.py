"""`python -m services.suite` is `xinshimin`."""

from services.suite.cli import main

main()
