import { buildImage } from '../image/build-image.ts'
import { imageLayers } from '../image/image-layers.ts'
import { writeOciLayout } from '../image/oci-layout.ts'
import { IMAGE_VARIANTS } from '../image/pruning.ts'
import { writeRootFilesystem } from '../image/root-filesystem.ts'
import { MeasureError } from '../measure-error.ts'
import { root } from '../root.ts'
import { oneOf, print, readFlags, type Command } from './command.ts'

const OPTIONS = {
  variant: { type: 'string', default: 'cpu' },
  out: { type: 'string' },
  rootfs: { type: 'string' },
  installed: { type: 'string' },
} as const

/** Builds the image, twice. */
export const imageCommand: Command = {
  summary: 'build the container image twice without a container engine and compare',
  usage: `image [--variant cpu|cuda] [--out FOLDER] [--rootfs FOLDER] [--installed FOLDER]

  --variant    cpu (default) or cuda
  --out        write an OCI layout, for skopeo copy oci:FOLDER:measured docker://…
  --rootfs     write the image's files into a new folder instead, once (the Dockerfile's last stage)
  --installed  where npm ci installed the packages, if not here`,
  run: async (args) => {
    const { values } = readFlags(args, OPTIONS)
    const variant = oneOf(values.variant, '--variant', IMAGE_VARIANTS)
    const { installed, out } = values
    if (values.rootfs !== undefined) {
      const layers = await imageLayers(root, variant, installed)
      await writeRootFilesystem(
        layers.flatMap(({ entries }) => entries),
        values.rootfs,
      )
      return 0
    }
    const source = { tree: root, variant, ...(installed === undefined ? {} : { installed }) }
    const first = await buildImage(source)
    const second = out === undefined ? await buildImage(source) : await writeOciLayout(source, out)
    if (first.digest !== second.digest) {
      const message = `two builds: ${first.digest} and ${second.digest}`
      throw new MeasureError('IMAGE_NOT_REPRODUCIBLE', message)
    }
    for (const { name, digest, size } of first.layers) {
      print(`${name.padEnd(12)}  ${digest}  ${(size / 1e6).toFixed(1)} MB`)
    }
    print(`${'sources'.padEnd(12)}  ${first.sourceDigest}`)
    print(`${'image'.padEnd(12)}  ${first.digest}  (built twice, the same)`)
    return 0
  },
}
