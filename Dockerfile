# k6 with this extension, llmconv and the scripts: for one container, for Kubernetes, for the k6 Operator.
#
#   docker build -t xk6-llm:dev .
#   docker run --rm xk6-llm:dev run /scripts/sharegpt.js
#
# go.mod, tools.mod and the Makefile fix the versions of Go modules and of k6. The base images are named by tag, so that builds get
# their security fixes; to get the same bytes in each build, pin them by digest (FROM debian:bookworm-slim@sha256:…).

FROM golang:1.26-bookworm AS build
WORKDIR /src
# Modules come first: they change seldom, and this layer is reused until they do.
COPY go.mod go.sum tools.mod tools.sum ./
RUN go mod download && go mod download -modfile=tools.mod
COPY Makefile register.go ./
COPY cmd cmd
COPY convert convert
COPY datasets datasets
COPY internal internal
COPY llm llm
COPY scripts/data scripts/data
# What --version says: --build-arg VERSION=v0.2.0, because the context has no history of git.
ARG VERSION
RUN make build VERSION="${VERSION}"

FROM debian:bookworm-slim AS image
ARG VERSION=dev
ARG REVISION=
LABEL org.opencontainers.image.title="xk6-llm" \
      org.opencontainers.image.description="k6 with load tests of LLM inference servers, and llmconv, which makes their reports" \
      org.opencontainers.image.source="https://github.com/seed-307b789f/xk6-llm" \
      org.opencontainers.image.licenses="AGPL-3.0-only AND Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The operator's starter starts the runners with curl. The operator runs a script of the image by `sh -c`. With bash as sh, k6
# replaces the shell and gets the signal when the pod is deleted; dash would stay and not pass the signal on.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && ln -sf bash /bin/sh
COPY --from=build /src/bin/k6 /src/bin/llmconv /usr/bin/
COPY scripts /scripts
# Only /tmp must be writable: an emptyDir if the root file system is read-only. Caches go below HOME.
ENV HOME=/tmp \
    K6_AUTO_EXTENSION_RESOLUTION=false
WORKDIR /tmp
# The user is a number, so that Kubernetes can tell that it is not root.
USER 65532:65532
ENTRYPOINT ["k6"]
