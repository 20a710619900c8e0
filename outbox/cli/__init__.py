"""The command `outbox`: parsing, output and exit codes, and nothing else."""
