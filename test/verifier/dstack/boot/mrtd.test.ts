import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { toBareHex } from '@jeju/verifier/protocol'
import { computeMrtd } from '../../../../verifier/src/dstack/boot/mrtd.ts'
import { parseTdvf } from '../../../../verifier/src/dstack/boot/tdvf.ts'
import { buildFirmware, PAYLOAD, SECTIONS } from './firmware-fixture.ts'

const mrtd = (payload: Uint8Array, order: 'two-pass' | 'single-pass'): string =>
  toBareHex(computeMrtd(parseTdvf(buildFirmware({ payload, sections: SECTIONS })), order))

/** The records of the two pages that are measured and of all that are added, written out once more. */
function records(order: 'two-pass' | 'single-pass'): string {
  const hash = createHash('sha384')
  const record = (name: string, gpa: bigint): void => {
    const bytes = Buffer.alloc(128)
    bytes.write(name)
    bytes.writeBigUInt64LE(gpa, 16)
    hash.update(bytes)
  }
  const extend = (page: number): void => {
    for (let chunk = 0; chunk < 16; chunk++) {
      const at = page * 4096 + chunk * 256
      record('MR.EXTEND', 0xffffe000n + BigInt(at))
      hash.update(PAYLOAD.subarray(at, at + 256))
    }
  }
  record('MEM.PAGE.ADD', 0xffffe000n)
  if (order === 'single-pass') extend(0)
  record('MEM.PAGE.ADD', 0xfffff000n)
  if (order === 'two-pass') extend(0)
  extend(1)
  for (const [start, pages] of [
    [0xffffd000n, 1],
    [0x810000n, 16],
    [0x80b000n, 2],
    [0x809000n, 2],
    [0x800000n, 6],
  ] as const) {
    for (let page = 0; page < pages; page++) record('MEM.PAGE.ADD', start + BigInt(page * 4096))
  }
  return hash.digest('hex')
}

describe('MRTD', () => {
  test.each(['two-pass', 'single-pass'] as const)('%s is the hash of the records', (order) => {
    expect(mrtd(PAYLOAD, order)).toBe(records(order))
  })

  test('A5 a byte of the code changes it; the variable store does not, RTMR0 holds it', () => {
    const code = PAYLOAD.slice()
    code[0x1fff] = 0x55
    expect(mrtd(code, 'two-pass')).not.toBe(mrtd(PAYLOAD, 'two-pass'))
    const variables = PAYLOAD.slice()
    variables[0x2000] = 0x55
    expect(mrtd(variables, 'two-pass')).toBe(mrtd(PAYLOAD, 'two-pass'))
  })

  test('pages added after the measurement was closed are not part of it', () => {
    const section = { address: 0x1000n, memorySize: 0x1000n }
    const of = (attributes: number): string =>
      toBareHex(
        computeMrtd(
          parseTdvf(buildFirmware({ sections: [{ ...section, attributes }] })),
          'two-pass',
        ),
      )
    expect(of(2)).toBe(createHash('sha384').digest('hex'))
    expect(of(0)).not.toBe(of(2))
  })
})
