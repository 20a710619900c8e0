"""`make demo`: the whole pipeline at work, on real services, from nothing to an empty process table."""
