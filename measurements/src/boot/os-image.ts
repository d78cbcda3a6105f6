import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fromHex } from '@jeju/verifier/protocol'
import { embeddedBootImage, type BootImage } from '@jeju/verifier/measure'
import { root } from '../root.ts'
import {
  parseInput,
  recordedOsImage,
  vmShapes,
  type RecordedOsImage,
  type VmShape,
} from '../release/schema.ts'

const FOLDER = join(root, 'measurements', 'os-images')

/** Every recorded image, by file name. @throws MeasureError `MEASURE_INPUT` */
export async function readOsImages(): Promise<readonly RecordedOsImage[]> {
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.json')).toSorted()
  return Promise.all(
    names.map(async (name) =>
      parseInput(recordedOsImage, await readFile(join(FOLDER, name), 'utf8'), `os-images/${name}`),
    ),
  )
}

/** The machines whose ACPI tables are known. @throws MeasureError `MEASURE_INPUT` */
export async function readVmShapes(): Promise<readonly VmShape[]> {
  const text = await readFile(join(root, 'measurements/vm-shapes.json'), 'utf8')
  return parseInput(vmShapes, text, 'vm-shapes.json')
}

/**
 * What a recorded image measures to; undefined where its document is not recorded. The document must be the one that
 * the image hash names.
 * @throws VerifierError `IMAGE_INVALID`, `MEASUREMENT_INVALID`
 */
export function bootImageOf({ osImageHash, measurement }: RecordedOsImage): BootImage | undefined {
  if (measurement === undefined) return undefined
  const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'))
  return embeddedBootImage({
    osImageHash: fromHex(osImageHash, 32),
    memoryBytes: 0n,
    pageOrder: 'single-pass',
    measurement: {
      checksumFile: bytes(measurement.checksumFile),
      document: bytes(measurement.document),
    },
  })
}
