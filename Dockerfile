# One image, many commands: `serve registry`, `serve gateway`, `migrate registry`, … The embedded servers of `make run` are not in it.
# A release gives the base by digest: --build-arg PYTHON=python:3.13-slim-bookworm@sha256:…
ARG PYTHON=python:3.13-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /build
RUN python -m venv /opt/xinshimin
COPY requirements-image.lock ./
RUN /opt/xinshimin/bin/pip install --no-cache-dir --require-hashes --no-deps -r requirements-image.lock
COPY pyproject.toml README.md LICENSE ./
COPY services services
COPY gateway gateway
RUN /opt/xinshimin/bin/pip install --no-cache-dir --no-deps --no-build-isolation . \
 && /opt/xinshimin/bin/python -m compileall -q /opt/xinshimin/lib

FROM ${PYTHON}
LABEL org.opencontainers.image.title="xinshimin" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/xinshimin /opt/xinshimin
ENV PATH=/opt/xinshimin/bin:/usr/local/bin:/usr/bin:/bin PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /
EXPOSE 8080
ENTRYPOINT ["xinshimin"]
CMD ["--help"]
