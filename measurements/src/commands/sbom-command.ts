import { buildImage } from '../image/build-image.ts'
import { imagePackages } from '../image/image-layers.ts'
import { IMAGE_VARIANTS } from '../image/pruning.ts'
import { readRuntimeLock } from '../image/runtime-files.ts'
import { licenceOf, sbom } from '../provenance/sbom.ts'
import { root } from '../root.ts'
import { oneOf, print, readFlags, type Command } from './command.ts'

const OPTIONS = {
  variant: { type: 'string', default: 'cpu' },
  licences: { type: 'boolean', default: false },
} as const

/** Lists what is in the image. */
export const sbomCommand: Command = {
  summary: 'bill of materials of the image (CycloneDX); with --licences, a list of licences',
  usage: 'sbom [--variant cpu|cuda] [--licences]',
  run: async (args) => {
    const { values } = readFlags(args, OPTIONS)
    const variant = oneOf(values.variant, '--variant', IMAGE_VARIANTS)
    const packages = await imagePackages(root, variant)
    if (values.licences) {
      for (const { name, folder, locked } of packages) {
        if (!folder.includes('node_modules/') || locked.link === true) continue
        print(`${(await licenceOf(root, folder)).padEnd(24)}  ${name}@${locked.version}`)
      }
      return 0
    }
    const { digest } = await buildImage({ tree: root, variant })
    const version = packages.find(({ folder }) => folder === 'enclave')?.locked.version ?? '0.0.0'
    const bill = await sbom(root, packages, await readRuntimeLock(), { version, digest })
    print(JSON.stringify(bill, null, 2))
    return 0
  },
}
