"""Reindex without downtime: a successor of an index is filled beside it, proven, and takes its place."""
