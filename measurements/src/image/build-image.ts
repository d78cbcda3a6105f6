import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { imageConfig, imageLabels } from './image-config.ts'
import { imageLayers } from './image-layers.ts'
import { writeLayer, type LayerDescriptor, type Sink } from './layer.ts'
import type { ImageVariant } from './pruning.ts'
import { sha256Hex } from './runtime-files.ts'
import { sourceDigest } from './source-digest.ts'

/** An image as a registry names it, and all of it but the layers' bytes. */
export interface BuiltImage {
  readonly variant: ImageVariant
  /** Digest of the manifest, `sha256:…`: what a compose file pins. */
  readonly digest: string
  readonly sourceDigest: string
  readonly layers: readonly LayerDescriptor[]
  readonly manifest: Uint8Array
  readonly config: Uint8Array
}

const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar+gzip'
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json'
/** Media type of the manifest. */
export const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json'

/** What an image is built from. */
export interface ImageSource {
  readonly tree: string
  readonly variant: ImageVariant
  /** Where packages were installed; the tree itself when absent. */
  readonly installed?: string
}

/**
 * Builds an image. Bytes of each layer go to the sink that `sinkFor` gives for it.
 * @throws MeasureError
 */
export async function buildImage(
  { tree, variant, installed }: ImageSource,
  sinkFor: (layer: string) => Sink = () => () => undefined,
): Promise<BuiltImage> {
  const contents = await imageLayers(tree, variant, installed)
  const layers = contents.map(({ name, entries }) => writeLayer(name, entries, sinkFor(name)))
  const facts = {
    variant,
    version: await versionOf(tree),
    sourceDigest: await sourceDigest(tree),
  }
  const config = json(imageConfig(facts, layers))
  const manifest = json({
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: descriptor(CONFIG_TYPE, config),
    layers: layers.map(({ digest, size }) => ({ mediaType: LAYER_TYPE, digest, size })),
    annotations: imageLabels(facts),
  })
  return {
    variant,
    digest: `sha256:${sha256Hex(manifest)}`,
    sourceDigest: facts.sourceDigest,
    layers,
    manifest,
    config,
  }
}

/** How an index and a manifest name content. */
export function descriptor(
  mediaType: string,
  content: Uint8Array,
): { readonly mediaType: string; readonly digest: string; readonly size: number } {
  return { mediaType, digest: `sha256:${sha256Hex(content)}`, size: content.length }
}

async function versionOf(tree: string): Promise<string> {
  const text = await readFile(join(tree, 'enclave/package.json'), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}

/** Members in the order they are written here; an object literal keeps it. */
function json(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
