# Daybook alone: one static program in an image that has nothing else in it, no shell either.
#
#   docker build -t daybook .
#
# The source and the caches of modules and builds are mounted, so that a build after a change compiles what changed. The
# folder .git is among what is mounted: the program tells by it of which commit it is (daybook version).

FROM golang:1.26-bookworm AS build
WORKDIR /src
ENV CGO_ENABLED=0
RUN --mount=type=bind,target=. \
    --mount=type=cache,target=/go/pkg/mod \
    --mount=type=cache,target=/root/.cache/go-build \
    go build -trimpath -buildvcs=auto -ldflags='-s -w' -o /out/daybook ./cmd/daybook
# The data, and where imports from standard input wait.
RUN mkdir /out/data /out/tmp

FROM scratch
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Daybook" \
      org.opencontainers.image.description="Keeps double-entry ledgers as a log of events" \
      org.opencontainers.image.source="https://github.com/daybook-ledger/daybook" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/daybook /daybook
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/tmp /tmp
USER 65532:65532
ENV DAYBOOK_DATA=/data
VOLUME /data
# Where it listens once it is told which network to trust; until then on loopback, that is for nobody outside (docs/operations.md).
EXPOSE 8080
# The probe reads DAYBOOK_LISTEN from the same environment as the server.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/daybook", "health"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/daybook"]
CMD ["serve"]
