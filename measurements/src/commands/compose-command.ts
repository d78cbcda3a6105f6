import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lintCompose } from '@jeju/verifier/compose-lint'
import { composeHash, PLATFORMS } from '../compose/app-compose.ts'
import { differingMembers } from '../compose/compare-composes.ts'
import { readNetwork } from '../compose/network.ts'
import { COMPOSE_FILES, LINT_OPTIONS, nodeAppCompose } from '../compose/node-compose.ts'
import { root } from '../root.ts'
import { measureComposes, readInputs } from '../release/measure-release.ts'
import { readRelease } from '../release/release-files.ts'
import { oneOf, print, readFlags, type Command } from './command.ts'

const OPTIONS = {
  network: { type: 'string' },
  image: { type: 'string' },
  platform: { type: 'string', default: 'bare-metal' },
  file: { type: 'string', default: 'app-compose.yaml' },
  out: { type: 'string' },
  of: { type: 'string' },
} as const

/** Writes the app-compose files, or judges one. */
export const composeCommand: Command = {
  summary: 'write measurements/app-compose*.json and print their hashes; or judge a file',
  usage: `compose
compose --network FILE [--image REF] [--platform bare-metal|phala-cloud] [--file NAME] --out FILE
compose --of FILE [--platform …]

  Without flags: the files of the recorded images on the release's network.
  --network   {"rpcUrl","deployment"}: a file for another chain
  --image     image reference with its digest; that of the recorded release without it
  --file      app-compose.yaml (default) or app-compose.vllm.yaml
  --of        hash and lint a file, such as the one a cloud will really use, and name the members in which it
              differs from ours`,
  run: async (args) => {
    const { values } = readFlags(args, OPTIONS)
    const platform = oneOf(values.platform, '--platform', PLATFORMS)
    const release = await readRelease()
    if (values.of !== undefined) {
      const ours = release.composes.find((each) => each.platform === platform)
      return judge(values.of, join(root, 'measurements', ours?.file ?? 'app-compose.json'))
    }
    if (values.network === undefined) {
      for (const { file, bytes } of await measureComposes(
        await readInputs(),
        release.images,
        release.model,
      )) {
        await writeFile(join(root, 'measurements', file), bytes)
        const recorded = release.composes.find((each) => each.file === file)?.composeHash
        const hash = composeHash(bytes)
        print(`${file}  ${hash}${hash === recorded ? '' : '  not the hash in release.json'}`)
      }
      return 0
    }
    const bytes = await nodeAppCompose({
      image: values.image ?? release.images[0]?.reference ?? '',
      network: await readNetwork(values.network),
      model: { name: release.model.name, sha256: release.model.weightsSha256 },
      platform,
      file: oneOf(values.file, '--file', COMPOSE_FILES),
    })
    await writeFile(values.out ?? join(root, 'app-compose.json'), bytes)
    print(composeHash(bytes))
    return 0
  },
}

async function judge(path: string, ourPath: string): Promise<number> {
  const bytes = new Uint8Array(await readFile(path))
  print(`compose hash  ${composeHash(bytes)}`)
  for (const name of differingMembers(bytes, new Uint8Array(await readFile(ourPath)))) {
    print(`differs       ${name}`)
  }
  const findings = lintCompose(bytes, LINT_OPTIONS)
  for (const { rule, place, expected, actual } of findings) {
    print(`${rule.padEnd(12)}  ${place}: expected ${expected}, is ${actual}`)
  }
  return findings.length === 0 ? 0 : 1
}
