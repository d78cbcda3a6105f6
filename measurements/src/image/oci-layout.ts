import { closeSync, openSync, writeSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  buildImage,
  descriptor,
  MANIFEST_TYPE,
  type BuiltImage,
  type ImageSource,
} from './build-image.ts'

/** Name of the image in the layout. */
const TAG = 'measured'

/**
 * Builds an image into an OCI layout, which `skopeo copy oci:FOLDER:measured docker://…` publishes as it is (OCI image
 * specification, "Image Layout"). What was in the folder is replaced.
 * @throws MeasureError
 */
export async function writeOciLayout(source: ImageSource, folder: string): Promise<BuiltImage> {
  const blobs = join(folder, 'blobs', 'sha256')
  await rm(folder, { recursive: true, force: true })
  await mkdir(blobs, { recursive: true })
  const open = new Map<string, number>()
  const image = await buildImage(source, (layer) => {
    const file = openSync(join(blobs, layer), 'wx')
    open.set(layer, file)
    return (bytes) => {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at)
    }
  })
  for (const file of open.values()) closeSync(file)
  for (const { name, digest } of image.layers) {
    await rename(join(blobs, name), join(blobs, digest.slice('sha256:'.length)))
  }
  const blob = (content: Uint8Array): string =>
    join(blobs, descriptor('', content).digest.slice('sha256:'.length))
  await writeFile(blob(image.config), image.config)
  await writeFile(blob(image.manifest), image.manifest)
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }))
  await writeFile(join(folder, 'index.json'), JSON.stringify(indexOf(image)))
  return image
}

function indexOf({ manifest }: BuiltImage): object {
  return {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [
      {
        ...descriptor(MANIFEST_TYPE, manifest),
        platform: { architecture: 'amd64', os: 'linux' },
        annotations: { 'org.opencontainers.image.ref.name': TAG },
      },
    ],
  }
}
