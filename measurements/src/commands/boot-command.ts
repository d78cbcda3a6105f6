import { readFile } from 'node:fs/promises'
import {
  acpiDigestsOf,
  embeddedBootImage,
  parseVmConfig,
  type BootImage,
} from '@jeju/verifier/measure'
import { toHex } from '@jeju/verifier/protocol'
import { imageIdOf } from '../boot/image-id.ts'
import { measureImageFolder } from '../boot/image-folder.ts'
import { imageRegisters } from '../boot/image-registers.ts'
import { bootImageOf, readOsImages, readVmShapes } from '../boot/os-image.ts'
import { MeasureError } from '../measure-error.ts'
import type { VmShape } from '../release/schema.ts'
import { print, readFlags, required, type Command } from './command.ts'

const OPTIONS = {
  folder: { type: 'string' },
  'os-image': { type: 'string' },
  'vm-config': { type: 'string' },
  shape: { type: 'string' },
  memory: { type: 'string' },
  qemu: { type: 'string' },
  log: { type: 'string' },
} as const

/** Computes MRTD and RTMR0 to 2. */
export const bootCommand: Command = {
  summary: 'MRTD and RTMR0 to 2 of an OS image in a machine',
  usage: `boot (--folder FOLDER | --os-image NAME | --vm-config FILE) (--shape NAME | --memory BYTES --qemu VERSION --log FILE)

  --folder     an unpacked dstack image: ovmf.fd, bzImage, initramfs, metadata.json, sha256sum.txt
  --os-image   an image recorded in os-images/
  --vm-config  JSON of a node's vm_config that carries the image's measurement document
  --shape      a machine recorded in vm-shapes.json
  --log        event log of a machine of that kind (JSON array), for the digests of its ACPI tables`,
  run: async (args) => {
    const { values } = readFlags(args, OPTIONS)
    const shape = await shapeOf(values)
    const image = await imageOf(values, BigInt(shape.memoryBytes))
    const registers = imageRegisters(image, shape)
    print(`image     ${toHex(image.osImageHash)}  from ${image.from}`)
    if (image.development === true) print('          FOR DEVELOPMENT: no policy should accept it')
    for (const [name, value] of Object.entries(registers)) print(`${name.padEnd(8)}  ${value}`)
    print(`image id  ${imageIdOf(registers)}  (on chain, with dstack's TD attributes)`)
    return 0
  },
}

interface Values {
  readonly folder?: string
  readonly 'os-image'?: string
  readonly 'vm-config'?: string
  readonly shape?: string
  readonly memory?: string
  readonly qemu?: string
  readonly log?: string
}

type Machine = Pick<VmShape, 'acpi' | 'memoryBytes' | 'qemuVersion'>

async function shapeOf(values: Values): Promise<Machine> {
  if (values.shape !== undefined) {
    const found = (await readVmShapes()).find(({ name }) => name === values.shape)
    if (found !== undefined) return found
    throw new MeasureError('MEASURE_USAGE', `--shape: no ${values.shape} in vm-shapes.json`)
  }
  const log = JSON.parse(await readFile(required(values.log, '--log'), 'utf8')) as readonly {
    readonly imr: number
    readonly event_type: number
    readonly digest: string
  }[]
  const acpi = acpiDigestsOf(
    log.map(({ imr, event_type, digest }) => ({
      imr,
      eventType: event_type,
      digest: new Uint8Array(Buffer.from(digest, 'hex')),
    })),
  )
  if (acpi === undefined) {
    throw new MeasureError('BOOT_INCOMPLETE', '--log: not three digests of ACPI tables in RTMR0')
  }
  return {
    memoryBytes: Number(required(values.memory, '--memory')),
    qemuVersion: required(values.qemu, '--qemu'),
    acpi: { loader: toHex(acpi.loader), rsdp: toHex(acpi.rsdp), tables: toHex(acpi.tables) },
  }
}

async function imageOf(values: Values, memoryBytes: bigint): Promise<BootImage> {
  if (values.folder !== undefined) return measureImageFolder(values.folder, memoryBytes)
  const image =
    values['vm-config'] === undefined
      ? await recordedImage(required(values['os-image'], '--folder, --os-image or --vm-config'))
      : embeddedBootImage(parseVmConfig(await readFile(values['vm-config'], 'utf8')))
  if (image === undefined) {
    throw new MeasureError('BOOT_INCOMPLETE', 'the image: no measurement document')
  }
  return image
}

async function recordedImage(name: string): Promise<BootImage | undefined> {
  const found = (await readOsImages()).find((image) => image.name === name)
  if (found === undefined) throw new MeasureError('MEASURE_USAGE', `--os-image: no ${name} here`)
  return bootImageOf(found)
}
