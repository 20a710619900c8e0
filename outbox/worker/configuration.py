"""Celery's configuration, for the relay that publishes and the workers that consume: one but for the confirms.

Each value has its reason in a failure that was provoked; see docs/architecture.md.
"""

from __future__ import annotations

import importlib.util
from typing import Any

from kombu import Exchange, Queue

from outbox.broker import is_rabbitmq
from outbox.errors import ConfigError
from outbox.settings import Settings
from outbox.store.claims import BULK_QUEUE, LIVE_QUEUE

TASK = "outbox.index"
"""The one task's name. It and its argument `claim` never change: messages outlive a deploy."""


def configuration(settings: Settings, *, confirmed: bool = False) -> dict[str, Any]:
    """What to put into `app.conf`. Holds the broker's password.

    `confirmed`: each publish waits for the broker's confirm, as the relay's must. A worker publishes no claims,
    but Celery's events.
    """
    return {
        "broker_url": settings.broker_url,
        "broker_transport_options": _transport(settings.broker_url, confirmed),
        "broker_connection_timeout": 3,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_channel_error_retry": True,
        "broker_heartbeat": 20,
        "broker_pool_acquire_timeout": 5.0,
        "task_queues": [_queue(LIVE_QUEUE), _queue(BULK_QUEUE)],
        "task_default_queue": LIVE_QUEUE,
        "task_create_missing_queues": False,
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_ignore_result": True,
        # The outbox alone knows when to try again.
        "task_publish_retry": False,
        "task_acks_late": True,
        "worker_prefetch_multiplier": 1,
        # A claim is begun once, so nothing runs twice; cancelling would make suspects of each broker restart.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # Above the claim's deadline (30 s), under its work lease (60 s).
        "task_soft_time_limit": 40,
        "task_time_limit": 50,
        "worker_max_tasks_per_child": 10_000,
        "worker_soft_shutdown_timeout": 20.0,
        "worker_send_task_events": True,
        "task_send_sent_event": False,
        "worker_hijack_root_logger": False,
        "worker_enable_remote_control": True,
    }


def _transport(broker_url: str, confirmed: bool) -> dict[str, object]:
    """Without confirms a RabbitMQ that is killed loses messages whose publish "succeeded"; Redis has none."""
    if is_rabbitmq(broker_url):
        return {"confirm_publish": True} if confirmed else {}
    if importlib.util.find_spec("redis") is None:
        raise ConfigError(
            "OUTBOX_BROKER_URL names a Redis, and the Python package redis is missing: pip install 'solr-outbox[redis]'"
        )
    return {"socket_timeout": 5, "socket_connect_timeout": 3}


def _queue(name: str) -> Queue:
    """A durable queue with an exchange of its own: Celery would bind both queues to the default one, by one key."""
    return Queue(name, Exchange(name, type="direct"), routing_key=name, durable=True)
