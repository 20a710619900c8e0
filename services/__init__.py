"""A local Postgres, RabbitMQ, Solr and Flower without Docker, for the demo, tests and benchmarks.

`python -m services start` and `stop` are what `make services` and `make services-stop` run; tests make private
instances with `services.stack.Stack`. Everything of one instance lies in one folder (`.services`): data, logs,
configuration, passwords, and the state file that remembers its ports. Nothing listens beyond loopback, two instances
never meet, and only what an instance started itself is ever ended.
"""
