import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '@jeju/verifier/protocol'
import {
  parseChecksums,
  requireListed,
} from '../../../../verifier/src/dstack/boot/checksum-file.ts'
import { parseVmConfig } from '../../../../verifier/src/dstack/boot/vm-config.ts'
import { outcome } from '../outcome.ts'

const CONFIG = {
  os_image_hash: 'ab'.repeat(32),
  cpu_count: 2,
  memory_size: 2 * 1024 ** 3,
  qemu_version: '8.2.2',
}
const read = (members: object): string =>
  outcome(() => parseVmConfig(JSON.stringify({ ...CONFIG, ...members })))
const order = (members: object): string =>
  parseVmConfig(JSON.stringify({ ...CONFIG, ...members })).pageOrder

describe('vm_config', () => {
  test('what decides about registers', () => {
    expect(parseVmConfig(JSON.stringify(CONFIG))).toEqual({
      osImageHash: new Uint8Array(32).fill(0xab),
      memoryBytes: 2n << 30n,
      pageOrder: 'two-pass',
      measurement: undefined,
    })
  })

  test('a sys-config holds one as text; beside it nothing counts', () => {
    const outer = { os_image_hash: 'cd'.repeat(32), memory_size: 4096 }
    const within = JSON.stringify({ ...outer, vm_config: JSON.stringify(CONFIG) })
    expect(parseVmConfig(within)).toEqual(parseVmConfig(JSON.stringify(CONFIG)))
    const bad = JSON.stringify({ ...CONFIG, vm_config: '{' })
    expect(outcome(() => parseVmConfig(bad))).toBe('VM_CONFIG_INVALID')
  })

  test.each([
    ['8.0.0', {}, 'two-pass'],
    ['8.2.2', {}, 'two-pass'],
    ['9.0.0', {}, 'single-pass'],
    ['10.2.1', {}, 'single-pass'],
    ['9.2.1', { qemu_single_pass_add_pages: true }, 'two-pass'],
    ['8.2.2', { qemu_single_pass_add_pages: false }, 'single-pass'],
    ['8.2.2', { qemu_single_pass_add_pages: null }, 'two-pass'],
    [null, {}, 'single-pass'],
  ])('QEMU %s %o adds pages %s', (qemu_version, members, expected) => {
    expect(order({ qemu_version, ...members })).toBe(expected)
  })

  test.each([
    ['a software TPM', { swtpm: true }, 'VM_UNSUPPORTED'],
    ['another firmware layout', { ovmf_variant: 'stable202505' }, 'VM_UNSUPPORTED'],
    ['QEMU 7', { qemu_version: '7.2.0' }, 'VM_UNSUPPORTED'],
    ['memory within a page', { memory_size: 4097 }, 'VM_UNSUPPORTED'],
    ['more memory than addresses', { memory_size: 2 ** 53 }, 'VM_UNSUPPORTED'],
    ['no memory', { memory_size: 0 }, 'VM_CONFIG_INVALID'],
    ['memory as text', { memory_size: '2G' }, 'VM_CONFIG_INVALID'],
    ['a version of two numbers', { qemu_version: '8.2' }, 'VM_CONFIG_INVALID'],
    ['a flag as text', { swtpm: 'false' }, 'VM_CONFIG_INVALID'],
    ['an uppercase hash', { os_image_hash: 'AB'.repeat(32) }, 'VM_CONFIG_INVALID'],
    ['a short hash', { os_image_hash: 'ab'.repeat(31) }, 'VM_CONFIG_INVALID'],
    ['a measurement that is no object', { tdx_measurement: [] }, 'VM_CONFIG_INVALID'],
    ['half a measurement', { tdx_measurement: { measurement: '' } }, 'VM_CONFIG_INVALID'],
    [
      'base64 with unused bits',
      { tdx_measurement: { measurement: 'AB==', checksum_file: '' } },
      'VM_CONFIG_INVALID',
    ],
  ])('%s', (_, members, code) => {
    expect(read(members)).toBe(code)
  })

  test.each([
    ['not JSON', '{'],
    ['not an object', '[]'],
    ['null', 'null'],
    ['a doubled member', '{"memory_size":4096,"memory_size":8192}'],
    ['too deep', `${'['.repeat(99)}${']'.repeat(99)}`],
    ['too long', `"${'x'.repeat(300_000)}"`],
  ])('%s', (_, text) => {
    expect(outcome(() => parseVmConfig(text))).toBe('VM_CONFIG_INVALID')
  })

  test('any JSON: read, or refused with a code', () => {
    const members = fc.constantFrom(
      'os_image_hash',
      'memory_size',
      'qemu_version',
      'tdx_measurement',
      'swtpm',
      'ovmf_variant',
      'qemu_single_pass_add_pages',
      '__proto__',
    )
    fc.assert(
      fc.property(members, fc.jsonValue(), (name, value) => {
        const text = JSON.stringify({ ...CONFIG, [name]: value })
        expect(['passed', 'VM_CONFIG_INVALID', 'VM_UNSUPPORTED']).toContain(
          outcome(() => parseVmConfig(text)),
        )
      }),
    )
  })
})

describe('list of an image’s files', () => {
  const line = (name: string): string => `${'0a'.repeat(32)}  ${name}\n`
  const lists = (text: string): string => outcome(() => parseChecksums(utf8(text)))

  test('names and sums', () => {
    const sums = parseChecksums(utf8(line('ovmf.fd') + line('metadata.json')))
    expect([...sums.keys()]).toEqual(['ovmf.fd', 'metadata.json'])
    expect(outcome(() => requireListed(sums, 'ovmf.fd', new Uint8Array(0)))).toBe('IMAGE_INVALID')
    expect(outcome(() => requireListed(sums, 'bzImage', new Uint8Array(0)))).toBe('IMAGE_INVALID')
  })

  test.each([
    ['a file twice', line('a') + line('a')],
    ['a path', line('../a')],
    ['a folder', line('a/b')],
    ['no line end', line('a').trimEnd()],
    ['a line end of two characters', line('a').replace('\n', '\r\n')],
    ['one space', line('a').replace('  ', ' ')],
    ['uppercase', line('a').replaceAll('0a', '0A')],
    ['an empty line', `${line('a')}\n`],
    ['nothing', ''],
    ['too much', line('a').repeat(2000)],
  ])('%s', (_, text) => {
    expect(lists(text)).toBe('IMAGE_INVALID')
  })
})
