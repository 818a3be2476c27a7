# k6 with this extension, llmconv and the scripts: for one container, for Kubernetes, for the k6 Operator.
#
#   docker build -t xk6-llm:dev .
#   docker run --rm xk6-llm:dev run /scripts/sharegpt.js
#
# The versions of Go modules and of k6 are fixed by go.mod, tools.mod and the Makefile. The base images are named by tag, so that
# they get security fixes; who needs the same bytes in each build pins them by digest (FROM debian:bookworm-slim@sha256:…).

FROM golang:1.26-bookworm AS build
WORKDIR /src
# Modules first: they change seldom, and this layer is kept until they do.
COPY go.mod go.sum tools.mod tools.sum ./
RUN go mod download && go mod download -modfile=tools.mod
COPY Makefile register.go ./
COPY cmd cmd
COPY convert convert
COPY datasets datasets
COPY internal internal
COPY llm llm
RUN make build

FROM debian:bookworm-slim AS image
ARG VERSION=dev
ARG REVISION=
LABEL org.opencontainers.image.title="xk6-llm" \
      org.opencontainers.image.description="k6 with load tests of LLM inference servers, and llmconv, which makes their reports" \
      org.opencontainers.image.source="https://github.com/seed-307b789f/xk6-llm" \
      org.opencontainers.image.licenses="AGPL-3.0-only AND Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# curl is what the operator's starter starts the runners with. The operator runs a script of the image by `sh -c`: bash as sh
# then gives its place to k6, so that k6 gets the signal when the pod is deleted; dash would stay and keep the signal to itself.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && ln -sf bash /bin/sh
COPY --from=build /src/bin/k6 /src/bin/llmconv /usr/bin/
COPY scripts /scripts
# /tmp is all that must be writable: an emptyDir where the root file system is read-only. Caches go below HOME.
ENV HOME=/tmp \
    K6_AUTO_EXTENSION_RESOLUTION=false
WORKDIR /tmp
# A number, so that Kubernetes sees that it is not root.
USER 65532:65532
ENTRYPOINT ["k6"]
