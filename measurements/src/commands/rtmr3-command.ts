import { readFile } from 'node:fs/promises'
import { toBareHex, type Hex } from '@jeju/verifier/protocol'
import { mrConfigIdV1, rtmr3Of, runtimeEvents } from '../boot/rtmr3.ts'
import { composeHash } from '../compose/app-compose.ts'
import { MeasureError } from '../measure-error.ts'
import { oneOf, print, readFlags, required, type Command } from './command.ts'

const OPTIONS = {
  compose: { type: 'string' },
  guest: { type: 'string', default: '0.6' },
  'app-id': { type: 'string' },
  'instance-id': { type: 'string' },
  'key-provider': { type: 'string', default: 'kms' },
  'key-provider-id': { type: 'string', default: '' },
  'os-image-hash': { type: 'string' },
  storage: { type: 'string', default: 'zfs' },
} as const

/** Computes RTMR3 and its events from a compose file. */
export const rtmr3Command: Command = {
  summary: 'the events of RTMR3, and RTMR3, of a compose file in a guest',
  usage: `rtmr3 --compose FILE --instance-id HEX [--guest 0.5|0.6] [--app-id HEX] [--key-provider NAME]
      [--key-provider-id HEX] [--os-image-hash HEX] [--storage zfs|ext4]

  --app-id           20 bytes; the first 20 of the compose hash without it
  --key-provider-id  as the guest measured it: DER of the KMS CA's public key
  --os-image-hash    where a KMS said which image it is; no such event without it`,
  run: async (args) => {
    const { values } = readFlags(args, OPTIONS)
    const bytes = await readFile(required(values.compose, '--compose'))
    const hash = composeHash(new Uint8Array(bytes))
    const optional = (name: 'app-id' | 'os-image-hash'): Hex | undefined =>
      values[name] === undefined ? undefined : asHex(values[name], `--${name}`)
    const [appId, osImageHash] = [optional('app-id'), optional('os-image-hash')]
    const events = runtimeEvents({
      guest: oneOf(values.guest, '--guest', ['0.5', '0.6']),
      composeHash: hash,
      instanceId: asHex(required(values['instance-id'], '--instance-id'), '--instance-id'),
      keyProvider: { name: values['key-provider'], id: values['key-provider-id'] },
      storageFs: oneOf(values.storage, '--storage', ['zfs', 'ext4']),
      ...(appId === undefined ? {} : { appId }),
      ...(osImageHash === undefined ? {} : { osImageHash }),
    })
    for (const { name, payload } of events) print(`${name.padEnd(18)}  ${toBareHex(payload)}`)
    print(`${'RTMR3'.padEnd(18)}  ${rtmr3Of(events)}`)
    print(`${'MRCONFIGID (v1)'.padEnd(18)}  ${mrConfigIdV1(hash)}`)
    return 0
  },
}

function asHex(text: string, flag: string): Hex {
  const bare = text.replace(/^0x/, '')
  if (/^(?:[0-9a-f]{2})+$/.test(bare)) return `0x${bare}`
  throw new MeasureError('MEASURE_USAGE', `${flag}: expected lowercase hex`)
}
