# For those who build with a daemon. `make image` does without one.
FROM rust:1.89-bookworm AS build
WORKDIR /src
COPY . .
# .cargo/config.toml of this folder sets the allocator up. docs/decisions/0051
RUN cargo build --release --locked && install -d /empty

FROM gcr.io/distroless/cc-debian12:nonroot
# The same settings, for a binary that was built without that file.
ENV _RJEM_MALLOC_CONF=narenas:1,tcache:false,dirty_decay_ms:0,muzzy_decay_ms:0
LABEL org.opencontainers.image.title=holdfast org.opencontainers.image.licenses=Apache-2.0
COPY --from=build /src/target/release/holdfast /usr/bin/holdfast
COPY --from=build --chown=65532:65532 /empty /data
WORKDIR /data
USER 65532:65532
ENTRYPOINT ["/usr/bin/holdfast"]
