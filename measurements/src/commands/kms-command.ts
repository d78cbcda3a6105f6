import { readFile } from 'node:fs/promises'
import { kmsPin } from '../release/kms-pin.ts'
import { print, readFlags, required, type Command } from './command.ts'

/** Makes a pin of a KMS. */
export const kmsCommand: Command = {
  summary: 'a pin for inputs.json of a KMS, from its GetMeta answer',
  usage: `kms FILE

  FILE is what POST <kms>/prpc/KMS.GetMeta?json answers. Compare it over two networks, and with kmsInfo() of the
  KMS contract, before you trust it: whoever answers here could hold your keys.`,
  run: async (args) => {
    const [path] = readFlags(args, {}).positionals
    print(JSON.stringify(kmsPin(await readFile(required(path, 'FILE'), 'utf8')), null, 2))
    return 0
  },
}
