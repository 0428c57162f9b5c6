# One image per program: docker build --target metadata|storage|gateway|holdfast.
# For another architecture: --platform linux/arm64; the compiler runs on this one.
# Needs BuildKit, which Docker has by default from version 23 on.

FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm AS build
ARG TARGETOS=linux
ARG TARGETARCH
ENV CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH GOFLAGS=-trimpath
WORKDIR /src
COPY go.work go.work.sum ./
COPY proto/go.mod proto/go.sum proto/
COPY internal/go.mod internal/go.sum internal/
COPY services/go.mod services/go.sum services/
COPY gateway/go.mod gateway/go.sum gateway/
COPY cmd/holdfast/go.mod cmd/holdfast/go.sum cmd/holdfast/
ENV GOWORK=off
RUN for module in services gateway cmd/holdfast; do (cd "$module" && go mod download) || exit 1; done
COPY proto proto
COPY internal internal
COPY services services
COPY gateway gateway
COPY cmd cmd
# What the images hold besides the program: CAs for AWS, and a name for the user.
RUN mkdir -p /out/etc/ssl/certs /out/bin /out/data && \
	echo 'holdfast:x:65532:65532::/:/none' >/out/etc/passwd && \
	echo 'holdfast:x:65532:' >/out/etc/group && \
	cp /etc/ssl/certs/ca-certificates.crt /out/etc/ssl/certs/
ARG VERSION=devel
RUN set -e; for program in services/metadata services/storage gateway cmd/holdfast; do \
	(cd "$program" && go build -o "/out/bin/${program##*/}" \
	-ldflags "-s -w -X github.com/holdfast-files/holdfast/internal/settings.version=$VERSION" .); done

# From here on it is about images; scripts/containers tests this part with
# programs from the host.
FROM scratch AS base
ARG VERSION=devel
ARG REVISION=unknown
LABEL org.opencontainers.image.source="https://github.com/holdfast-files/holdfast" \
	org.opencontainers.image.version="$VERSION" \
	org.opencontainers.image.revision="$REVISION"
COPY --from=build /out/etc /etc
USER 65532:65532

FROM base AS metadata
LABEL org.opencontainers.image.title="Holdfast metadata"
COPY --from=build /out/bin/metadata /metadata
EXPOSE 9081 9082
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s CMD ["/metadata", "health"]
ENTRYPOINT ["/metadata"]

FROM base AS storage
LABEL org.opencontainers.image.title="Holdfast storage"
COPY --from=build /out/bin/storage /storage
EXPOSE 9083 9084
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s CMD ["/storage", "health"]
ENTRYPOINT ["/storage"]

FROM base AS gateway
LABEL org.opencontainers.image.title="Holdfast gateway"
COPY --from=build /out/bin/gateway /gateway
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s CMD ["/gateway", "health"]
ENTRYPOINT ["/gateway"]

FROM base AS holdfast
LABEL org.opencontainers.image.title="Holdfast"
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build /out/bin/holdfast /holdfast
VOLUME /data
ENV HOLDFAST_DATA_DIR=/data
EXPOSE 8080 9081 9083
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s CMD ["/holdfast", "health"]
ENTRYPOINT ["/holdfast"]
CMD ["serve"]
