"""`python -m outbox`."""

from outbox.cli.main import main

main()
