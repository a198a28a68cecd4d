# Training: a checkout -> an image that runs `python -m day7_training` as a user without rights. /data is the folder that it works in:
# the CSV, the bundle that it writes, and, without a server of MLflow, the runs.
#
#   docker build -f docker/training.Dockerfile -t day7-training .
#   docker run --rm -v "$PWD:/data" -u "$(id -u):$(id -g)" day7-training train --data installs.csv --out bundle --no-mlflow
#
# An index of your own: --secret id=pip,src=$HOME/.config/pip/pip.conf

FROM python:3.11.14-slim-bookworm AS packages
RUN python3 -m venv /opt/venv
COPY docker/training/requirements.lock /opt/
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: -r /opt/requirements.lock

FROM python:3.11.14-slim-bookworm
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="day7-training" \
      org.opencontainers.image.description="Trains the seven-day revenue model that Day7 serves" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
# LightGBM's wheel does not bring OpenMP. Any version of it will do: it comes with Debian's security updates.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && install -d -o 1000 -g 1000 -m 0750 /data
COPY --from=packages /opt/venv /opt/venv
COPY LICENSE /opt/day7/
COPY training/day7_training /opt/day7/day7_training
ENV PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/day7 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    HOME=/tmp MPLBACKEND=agg MPLCONFIGDIR=/tmp/matplotlib \
    MLFLOW_TRACKING_URI=sqlite:////data/mlflow.db MLFLOW_DISABLE_TELEMETRY=true
USER 1000:1000
WORKDIR /data
VOLUME /data
# It is a command and no server: it ends by itself.
HEALTHCHECK NONE
ENTRYPOINT ["python", "-m", "day7_training"]
CMD ["--help"]
