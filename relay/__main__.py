"""`python -m relay`."""

from relay.main import main

main()
