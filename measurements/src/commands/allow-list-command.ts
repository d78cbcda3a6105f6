import type { Hex } from '@jeju/verifier/protocol'
import { MeasureError } from '../measure-error.ts'
import { allowCall, allowListEntries } from '../release/allow-list.ts'
import { readRelease } from '../release/release-files.ts'
import { timelockBatch } from '../release/timelock-batch.ts'
import { print, readFlags, required, type Command } from './command.ts'

const OPTIONS = {
  verifier: { type: 'string' },
  commit: { type: 'string' },
  source: { type: 'string', multiple: true },
  delay: { type: 'string', default: '172800' },
} as const

/** Turns the recorded release into calls. */
export const allowListCommand: Command = {
  summary: 'the recorded release as calls to the measurement policy on chain, through its timelock',
  usage: `allow-list --verifier ADDRESS --commit HEX --source URI… [--delay SECONDS]

  Prints JSON: the entries, the calls to the allow-list, and the two transactions to its timelock.
  --verifier  TdxAttestationVerifier, whose list it is
  --commit    commit of the sources, 40 hex digits
  --source    where they are; may be repeated
  --delay     of the timelock; 48 hours without it`,
  run: async (args) => {
    const { values } = readFlags(args, OPTIONS)
    const release = await readRelease()
    const entries = allowListEntries(release, {
      commit: hexOf(values.commit, '--commit', 20),
      sources: values.source ?? [],
    })
    const calls = entries.map(allowCall)
    const target = hexOf(values.verifier, '--verifier', 20)
    const batch = timelockBatch(target, calls, {
      name: `jeju/release/${release.version}/${release.sourceSha256}`,
      delaySeconds: BigInt(values.delay),
    })
    print(JSON.stringify({ target, entries, calls, timelock: batch }, null, 2))
    return 0
  },
}

function hexOf(value: string | undefined, flag: string, bytes: number): Hex {
  const bare = required(value, flag).replace(/^0x/, '').toLowerCase()
  if (bare.length === bytes * 2 && /^[0-9a-f]+$/.test(bare)) return `0x${bare}`
  throw new MeasureError('MEASURE_USAGE', `${flag}: expected ${bytes} bytes of hex`)
}
