# MLflow's server: its runs, models and artifacts lie in /data, in SQLite and in files.
#
#   docker build -f docker/mlflow.Dockerfile -t day7-mlflow .
#   docker run --read-only --tmpfs /tmp -p 127.0.0.1:5005:5005 -v mlflow:/data day7-mlflow
#
# An index of your own: --secret id=pip,src=$HOME/.config/pip/pip.conf

FROM python:3.11.14-slim-bookworm AS packages
RUN python3 -m venv /opt/venv
COPY docker/mlflow/requirements.lock /opt/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r /opt/requirements.lock

FROM python:3.11.14-slim-bookworm
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="day7-mlflow" \
      org.opencontainers.image.description="The MLflow server beside Day7" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN install -d -o 1000 -g 1000 -m 0750 /data
COPY --from=packages /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp MLFLOW_DISABLE_TELEMETRY=true \
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
USER 1000:1000
WORKDIR /data
VOLUME /data
EXPOSE 5005
HEALTHCHECK --interval=15s --timeout=10s --start-period=120s --retries=3 \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:5005/health', timeout=5)"]
ENTRYPOINT ["mlflow", "server", "--host=0.0.0.0", "--port=5005", "--workers=1", "--backend-store-uri=sqlite:////data/mlflow.db", "--serve-artifacts", "--artifacts-destination=/data/artifacts"]
# It answers to these names only, so that no web page can make a browser speak to it under another.
CMD ["--allowed-hosts=localhost:5005,127.0.0.1:5005,mlflow:5005"]
