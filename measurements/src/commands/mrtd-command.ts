import { readFile } from 'node:fs/promises'
import { computeMrtd, parseTdvf } from '@jeju/verifier/measure'
import { toHex } from '@jeju/verifier/protocol'
import { print, readFlags, required, type Command } from './command.ts'

/** Computes MRTD of a firmware file. */
export const mrtdCommand: Command = {
  summary: 'MRTD of a TDVF firmware file',
  usage: `mrtd FIRMWARE

  Prints both values: QEMU 8 adds the pages of a section before it measures them, QEMU 9 and later page by page.`,
  run: async (args) => {
    const [path] = readFlags(args, {}).positionals
    const sections = parseTdvf(new Uint8Array(await readFile(required(path, 'FIRMWARE'))))
    for (const order of ['two-pass', 'single-pass'] as const) {
      print(`${order.padEnd(11)}  ${toHex(computeMrtd(sections, order))}`)
    }
    return 0
  },
}
