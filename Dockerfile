# One image for the relay, the workers, Flower and the command `outbox`: compose.yaml says which it runs.
FROM python:3.12-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY constraints.txt ./
RUN pip install --constraint constraints.txt build hatchling
COPY pyproject.toml README.md LICENSE ./
COPY outbox outbox
COPY relay relay
COPY migrations migrations
COPY solr solr
RUN python -m build --wheel --no-isolation --outdir /dist
RUN python -m venv /opt/outbox \
 && /opt/outbox/bin/pip install --constraint constraints.txt "$(echo /dist/*.whl)[monitoring]"

FROM python:3.12-slim
COPY --from=build /opt/outbox /opt/outbox
RUN groupadd --gid 10001 outbox \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin outbox
ENV PATH=/opt/outbox/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 OUTBOX_CONFIG=/etc/outbox/outbox.toml
WORKDIR /tmp
USER 10001:10001
CMD ["outbox", "--help"]
