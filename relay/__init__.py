"""The daemon that turns outbox rows into Celery tasks: expand, claim, publish."""
