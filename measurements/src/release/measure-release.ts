import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { imageIdOf } from '../boot/image-id.ts'
import { imageRegisters } from '../boot/image-registers.ts'
import { bootImageOf, readOsImages, readVmShapes } from '../boot/os-image.ts'
import { composeHash, PLATFORMS, type Platform } from '../compose/app-compose.ts'
import { readNetwork } from '../compose/network.ts'
import { nodeAppCompose } from '../compose/node-compose.ts'
import { buildImage } from '../image/build-image.ts'
import { IMAGE_VARIANTS } from '../image/pruning.ts'
import { MeasureError } from '../measure-error.ts'
import { root } from '../root.ts'
import { measureModel } from './model-measurements.ts'
import {
  parseInput,
  releaseInputs,
  type Release,
  type ReleaseInputs,
  type VmShape,
} from './schema.ts'

/** A compose file of a release: where it stands, and its exact bytes. */
export interface ReleaseCompose {
  readonly file: string
  readonly bytes: Uint8Array
}

/** Everything computed of this tree. */
export interface MeasuredRelease {
  readonly release: Release
  readonly composes: readonly ReleaseCompose[]
}

/** Decisions of this tree. @throws MeasureError `MEASURE_INPUT` */
export async function readInputs(): Promise<ReleaseInputs> {
  const text = await readFile(join(root, 'measurements/inputs.json'), 'utf8')
  return parseInput(releaseInputs, text, 'inputs.json')
}

/** Measures this tree. @throws MeasureError */
export async function measureRelease(): Promise<MeasuredRelease> {
  const inputs = await readInputs()
  const model = await measureModel()
  const built = []
  for (const variant of IMAGE_VARIANTS) built.push(await buildImage({ tree: root, variant }))
  const images = built.map(({ variant, digest, layers }) => ({
    variant,
    reference: `${inputs.imageRepository}@${digest}`,
    digest,
    layers: [...layers],
  }))
  const composes = await measureComposes(inputs, images, model)
  const shapes = await readVmShapes()
  return {
    composes,
    release: {
      v: 1,
      version: await versionOfTree(),
      network: inputs.network,
      sourceSha256: built[0]?.sourceDigest ?? '',
      images,
      composes: composes.map(({ platform, file, bytes }) => ({
        platform,
        file,
        composeHash: composeHash(bytes),
      })),
      model,
      osImages: await measureOsImages(shapes),
      acpi: shapes.map(({ acpi }) => acpi),
      gpu: inputs.gpu,
      keyCustody: { trustedKms: inputs.trustedKms, keyApis: inputs.keyApis },
      tcb: inputs.tcb,
    },
  }
}

/** A compose file and where it is for. */
export type MeasuredCompose = ReleaseCompose & { readonly platform: Platform }

/** Names of the compose files in `measurements/`. */
const COMPOSE_NAMES: Readonly<Record<Platform, string>> = {
  'bare-metal': 'app-compose.json',
  'phala-cloud': 'app-compose.phala-cloud.json',
}

/**
 * The compose files of a release, of its CPU image: the node of this tree computes on no GPU.
 * @throws MeasureError
 */
export async function measureComposes(
  inputs: ReleaseInputs,
  images: Release['images'],
  model: Release['model'],
): Promise<readonly MeasuredCompose[]> {
  const network = await readNetwork(join(root, `measurements/networks/${inputs.network}.json`))
  const image = images.find(({ variant }) => variant === 'cpu')
  if (image === undefined) throw new MeasureError('MEASURE_INPUT', 'release: no CPU image')
  const [kms] = inputs.trustedKms
  return Promise.all(
    PLATFORMS.map(async (platform) => ({
      platform,
      file: COMPOSE_NAMES[platform],
      bytes: await nodeAppCompose({
        image: image.reference,
        network,
        model: { name: model.name, sha256: model.weightsSha256 },
        platform,
        ...(kms === undefined ? {} : { kmsCa: kms.caPublicKeyInfo }),
      }),
    })),
  )
}

async function measureOsImages(shapes: readonly VmShape[]): Promise<Release['osImages']> {
  const recorded = await readOsImages()
  return recorded.map((image) => {
    const boot = bootImageOf(image)
    const { name, osImageHash, accepted } = image
    const machines = shapes.flatMap((shape) => {
      if (boot === undefined) return []
      const registers = imageRegisters(boot, shape)
      return [{ shape: shape.name, registers, imageId: imageIdOf(registers) }]
    })
    return { name, osImageHash, accepted, machines }
  })
}

async function versionOfTree(): Promise<string> {
  const text = await readFile(join(root, 'enclave/package.json'), 'utf8')
  return (JSON.parse(text) as { readonly version: string }).version
}
