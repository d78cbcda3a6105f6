# syntax=docker/dockerfile:1
# The node's container image. The file system of the last stage is what `npm run measure -- image` builds without a
# container engine, file for file, by the same code; its digest, not that of a Docker build, is the measured one
# (measurements/README.md). There is no base image below it: Node and the C library come from measurements/runtime.json.

# node:20.20.2-bookworm-slim by its digest; used to build, nothing of it is copied.
ARG BUILDER=node:20.20.2-bookworm-slim@sha256:2cf067cfed83d5ea958367df9f966191a942351a2df77d6f0193e162b5febfc0

FROM ${BUILDER} AS production
WORKDIR /src
COPY package.json package-lock.json ./
COPY contracts/package.json contracts/
COPY enclave/package.json enclave/
COPY gateway/package.json gateway/
COPY sdk/package.json sdk/
COPY simulator/package.json simulator/
COPY verifier/package.json verifier/
RUN npm ci --omit=dev --ignore-scripts -w enclave

FROM ${BUILDER} AS files
# cpu or cuda
ARG VARIANT=cpu
WORKDIR /src
COPY . .
RUN npm ci --ignore-scripts
COPY --from=production /src/node_modules /production/node_modules
COPY --from=production /src/verifier/node_modules /production/verifier/node_modules
RUN npm run -s measure -- fetch \
 && npm run -s measure -- image --variant "${VARIANT}" --installed /production --rootfs /image

FROM scratch
ARG VARIANT=cpu
# Every time in the image: BuildKit reads it from the build argument of this name (rewrite-timestamp=true).
ARG SOURCE_DATE_EPOCH=0
COPY --from=files /image/ /
LABEL network.jeju.variant="${VARIANT}" \
      org.opencontainers.image.description="Confidential inference node for Intel TDX (dstack)" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.title="jeju-compute-node"
ENV NODE_ENV=production
USER 10001:10001
WORKDIR /app
EXPOSE 8443
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["/usr/local/bin/node", "/app/enclave/dist/healthcheck.js"]
ENTRYPOINT ["/usr/local/bin/node", "/app/enclave/dist/main.js"]
