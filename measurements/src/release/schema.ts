import { z } from 'zod'
import { TCB_STATUSES } from '@jeju/verifier'
import type { Hex } from '@jeju/verifier/protocol'
import { PLATFORMS } from '../compose/app-compose.ts'
import { IMAGE_VARIANTS } from '../image/pruning.ts'
import { MeasureError } from '../measure-error.ts'

/** Shapes of the files in `measurements/`. JSON schemas for other readers are made from these. */

const hex = (bytes: number): z.ZodType<Hex> =>
  z
    .string()
    .regex(new RegExp(`^0x[0-9a-f]{${bytes * 2}}$`))
    .meta({ description: `${bytes} bytes` }) as unknown as z.ZodType<Hex>
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)
const text = z.string().min(1)

const registers = z.strictObject({
  mrtd: hex(48),
  rtmr0: hex(48),
  rtmr1: hex(48),
  rtmr2: hex(48),
})
/** MRTD and RTMR0 to 2. */
export type BootRegistersHex = z.infer<typeof registers>

const vmShape = z.strictObject({
  name: text,
  cpus: z.int().min(1),
  memoryBytes: z.int().min(1),
  qemuVersion: z.string().regex(/^[0-9]+\.[0-9]+\.[0-9]+$/),
  gpus: z.int().min(0),
  acpi: z.strictObject({ loader: hex(48), rsdp: hex(48), tables: hex(48) }),
  source: text.meta({ description: 'where the digests of the ACPI tables come from' }),
})
/** A machine, as far as registers depend on it. */
export type VmShape = z.infer<typeof vmShape>
/** `vm-shapes.json`. */
export const vmShapes = z.array(vmShape)

/** `os-images/<name>.json`. */
export const recordedOsImage = z.strictObject({
  name: text,
  osImageHash: hex(32),
  development: z.union([z.boolean(), z.literal('unknown')]),
  accepted: z.boolean(),
  why: text,
  source: text,
  measurement: z.strictObject({ checksumFile: z.base64(), document: z.base64() }).optional(),
})
/** An OS image that somebody looked at, accepted or not. */
export type RecordedOsImage = z.infer<typeof recordedOsImage>

const kms = z.strictObject({ rootPublicKey: hex(33), caPublicKeyInfo: hex(91) })
const status = z.enum(TCB_STATUSES)
const utc = z.iso.datetime({ precision: 0 }) as unknown as z.ZodType<`${string}Z`>
const tcb = z.strictObject({
  statuses: z.array(status),
  tolerated: z.array(z.strictObject({ status, advisoryIDs: z.array(text), until: utc })),
  minEvaluationDataNumber: z.int().min(0),
  minTcbDate: z.union([z.literal('any'), utc]),
})

/** `inputs.json`: what a release decides, and nothing computes. */
export const releaseInputs = z.strictObject({
  imageRepository: text,
  network: z.string().regex(/^[a-z0-9-]+$/),
  gpu: z.literal('forbidden'),
  keyApis: z.array(z.enum(['v0', 'v1'])),
  trustedKms: z.array(kms),
  tcb,
})
/** Decisions of a release. */
export type ReleaseInputs = z.infer<typeof releaseInputs>

const image = z.strictObject({
  variant: z.enum(IMAGE_VARIANTS),
  reference: text,
  digest,
  layers: z.array(z.strictObject({ name: text, digest, size: z.int().min(1), diffId: digest })),
})
const osImage = z.strictObject({
  name: text,
  osImageHash: hex(32),
  accepted: z.boolean(),
  machines: z.array(z.strictObject({ shape: text, registers, imageId: hex(32) })),
})

/** `release.json`: every number of a release. */
export const release = z.strictObject({
  v: z.literal(1),
  version: text,
  network: text,
  sourceSha256: z.string().regex(/^[0-9a-f]{64}$/),
  images: z.array(image),
  composes: z.array(
    z.strictObject({
      platform: z.enum(PLATFORMS),
      file: text,
      composeHash: hex(32),
    }),
  ),
  model: z.strictObject({
    name: text,
    weightsSha256: hex(32),
    modelId: hex(32),
    catalogDigest: hex(32),
  }),
  osImages: z.array(osImage),
  acpi: z.array(vmShape.shape.acpi),
  gpu: z.literal('forbidden'),
  keyCustody: z.strictObject({
    trustedKms: z.array(kms),
    keyApis: z.array(z.enum(['v0', 'v1'])),
  }),
  tcb,
})
/** Everything a release states. */
export type Release = z.infer<typeof release>

/**
 * Reads a JSON file of that shape.
 * @throws MeasureError `MEASURE_INPUT` with every problem
 */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  json: string,
  place: string,
): z.infer<Schema> {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new MeasureError('MEASURE_INPUT', `${place}: not JSON`, { cause })
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(
    ({ path, message }) => `  ${path.map(String).join('.')}: ${message}`,
  )
  throw new MeasureError('MEASURE_INPUT', `${place}:\n${problems.join('\n')}`)
}

/** JSON schemas by file name in `measurements/schema/`. */
export const JSON_SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  'inputs.schema.json': releaseInputs,
  'os-image.schema.json': recordedOsImage,
  'release.schema.json': release,
  'vm-shapes.schema.json': vmShapes,
}
