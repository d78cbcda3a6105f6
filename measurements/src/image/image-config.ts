import { NODE_USER } from './image-entry.ts'
import type { LayerDescriptor } from './layer.ts'
import type { ImageVariant } from './pruning.ts'

/** Seconds since 1970 of every time in the image; the Dockerfile's `SOURCE_DATE_EPOCH`. */
export const SOURCE_DATE_EPOCH = 0
/** Where the node listens as the compose files say, and where its health check asks. */
export const NODE_PORT = 8443

const CREATED = new Date(SOURCE_DATE_EPOCH * 1000).toISOString().replace('.000Z', 'Z')
const NANOSECONDS = 1_000_000_000
const NODE = '/usr/local/bin/node'

/** What labels say of an image. */
export interface ImageFacts {
  readonly variant: ImageVariant
  readonly version: string
  readonly sourceDigest: string
}

/** Driver libraries come from the host's NVIDIA runtime; it looks for these names. */
const VARIANT_ENV: Readonly<Record<ImageVariant, readonly string[]>> = {
  cpu: [],
  cuda: ['NVIDIA_DRIVER_CAPABILITIES=compute,utility', 'NVIDIA_VISIBLE_DEVICES=all'],
}

/** Labels of an image, by name. */
export function imageLabels(facts: ImageFacts): Readonly<Record<string, string>> {
  return {
    'network.jeju.source-sha256': facts.sourceDigest,
    'network.jeju.variant': facts.variant,
    'org.opencontainers.image.created': CREATED,
    'org.opencontainers.image.description': 'Confidential inference node for Intel TDX (dstack)',
    'org.opencontainers.image.licenses': 'MIT',
    'org.opencontainers.image.title': 'jeju-compute-node',
    'org.opencontainers.image.version': facts.version,
  }
}

/** The image's configuration (OCI image specification, "Image Configuration"; `Healthcheck` is Docker's addition). */
export function imageConfig(facts: ImageFacts, layers: readonly LayerDescriptor[]): object {
  return {
    created: CREATED,
    architecture: 'amd64',
    os: 'linux',
    config: {
      User: `${NODE_USER}:${NODE_USER}`,
      ExposedPorts: { [`${NODE_PORT}/tcp`]: {} },
      Env: ['NODE_ENV=production', ...VARIANT_ENV[facts.variant]],
      Entrypoint: [NODE, '/app/enclave/dist/main.js'],
      WorkingDir: '/app',
      Labels: imageLabels(facts),
      StopSignal: 'SIGTERM',
      Healthcheck: {
        Test: ['CMD', NODE, '/app/enclave/dist/healthcheck.js'],
        Interval: 10 * NANOSECONDS,
        Timeout: 3 * NANOSECONDS,
        StartPeriod: 60 * NANOSECONDS,
        Retries: 3,
      },
    },
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    history: layers.map(({ name }) => ({ created: CREATED, created_by: `jeju-compute: ${name}` })),
  }
}
