import { describe, expect, test } from 'vitest'
import type { GpuLies, SpdmContent } from '@jeju/simulator/gpu'
import { sha256, toHex, utf8 } from '@jeju/verifier/protocol'
import { takesAnyGpu as policy } from '../../gpu-policy.ts'
import { failures, gpusOf, judge, nonce } from './fixture.ts'
import { fieldsOf, issuedChain, type Change, type Place } from './issued-chain.ts'
import { hopper, lied, ppcie, reported, two } from './lies.ts'

describe('sets', () => {
  test.each([
    [
      'D7 one device twice',
      { devices: (all) => [...all, ...all.slice(0, 1)] },
      'gpu-set GPU_DUPLICATE',
    ],
    [
      'a GPU called a switch',
      { devices: (all) => all.map((one) => ({ ...one, kind: 'switch' as const })) },
      'gpu-identity GPU_IDENTITY_MISMATCH',
    ],
    [
      'a Blackwell called a Hopper',
      { devices: (all) => all.map((one) => ({ ...one, architecture: 'HOPPER' as const })) },
      'gpu-identity GPU_IDENTITY_MISMATCH',
    ],
    [
      'two drivers',
      {
        content: (content, index) =>
          index === 0 ? reported(content, 3, utf8('595.72\0')) : content,
      },
      'gpu-set GPU_SET_MIXED',
    ],
    [
      'two modes',
      {
        content: (content, index) =>
          index === 0 ? reported(content, 36, Uint8Array.of(0, 0)) : content,
      },
      'gpu-set GPU_SET_MIXED',
    ],
  ] satisfies readonly (readonly [string, GpuLies, string])[])('%s', async (_, lies, objection) => {
    expect(failures(await lied(lies, two))).toContain(objection)
  })

  test('D7 one device under two certificates is known by serial number, chip, and key', async () => {
    const [first, second] = two.devices.map(({ certificates }) => certificates)
    if (!first || !second) throw new Error('no devices')
    const asSecond = (place: Place, change: Change): GpuLies => ({
      certificates: (pem, index) => (index === 1 ? issuedChain(second.chain, place, change) : pem),
    })
    expect(failures(await lied(asSecond('leaf', {}), two))).toEqual([])
    const { serial } = first.brom
    const { extensions = [] } = fieldsOf(first.leaf)
    const { key } = first.brom
    for (const lies of [
      asSecond('brom', { serial }),
      asSecond('leaf', { extensions }),
      asSecond('brom', { key }),
    ]) {
      expect(failures(await lied(lies, two))).toEqual(['gpu-set GPU_DUPLICATE'])
    }
  })

  test('two architectures in one mode', async () => {
    const spt = (content: SpdmContent): SpdmContent => reported(content, 36, Uint8Array.of(0, 0))
    const [hopperGpu] = hopper.evidence(nonce).devices
    const [blackwell] = two.evidence(nonce, { content: spt }).devices
    if (!hopperGpu || !blackwell) throw new Error('no devices')
    const rims = new Map([...hopper.rims(), ...two.rims()])
    const report = await judge(hopper, { devices: [hopperGpu, blackwell], rims })
    expect(report.checks.find(({ name }) => name === 'gpu-set')).toMatchObject({
      code: 'GPU_SET_MIXED',
      expected: 'one architecture',
    })
  })

  test('D7 other devices than those of the statement', async () => {
    const devicesDigest = toHex(sha256(utf8('other devices')))
    expect(failures(await lied({}, two, { devicesDigest }))).toEqual([
      'gpu-devices GPU_DEVICES_MISMATCH',
    ])
  })

  test('fewer or more than wanted', async () => {
    for (const count of [
      { min: 3, max: 8 },
      { min: 1, max: 1 },
    ]) {
      expect(failures(await lied({}, two, { policy: { ...policy, count } }))).toEqual([
        'gpu-set GPU_COUNT_MISMATCH',
      ])
    }
  })

  test('D6 nvswitch_missing_rejected, and every other way to be incomplete', async () => {
    const kinds = { gpu: 'gpu', switch: 'switch' } as const
    const without = (kind: 'gpu' | 'switch', left: number): GpuLies => ({
      devices: (all) => {
        const keep = all.filter((one) => one.kind === kinds[kind]).slice(0, left)
        return all.filter((one) => one.kind !== kind || keep.includes(one))
      },
    })
    const topology = async (lies: GpuLies): Promise<readonly string[]> =>
      failures(await lied(lies, ppcie))
    expect(await topology(without('switch', 0))).toEqual(['gpu-topology NVSWITCH_MISSING'])
    expect(await topology(without('switch', 3))).toEqual(['gpu-topology NVSWITCH_MISSING'])
    expect(await topology(without('gpu', 7))).toEqual(['gpu-topology GPU_COUNT_MISMATCH'])
    const links = (content: SpdmContent, index: number): SpdmContent =>
      index === 3 ? reported(content, 22, new Uint8Array(144).fill(1)) : content
    expect(await topology({ content: links })).toEqual(['gpu-topology GPU_TOPOLOGY_INVALID'])
    const listed = (content: SpdmContent, index: number): SpdmContent =>
      index === 9 ? reported(content, 26, new Uint8Array(128).fill(1)) : content
    expect(await topology({ content: listed })).toEqual(['gpu-topology GPU_TOPOLOGY_INVALID'])
    const ownPdi = (content: SpdmContent, index: number): SpdmContent =>
      index === 9 ? reported(content, 22, new Uint8Array(8).fill(1)) : content
    expect(await topology({ content: ownPdi })).toEqual(['gpu-identity GPU_IDENTITY_MISMATCH'])
  })

  test('switches beside GPUs of another mode', async () => {
    const [single] = hopper.evidence(nonce).devices
    const switches = ppcie.evidence(nonce).devices.filter(({ kind }) => kind === 'switch')
    const devices = single === undefined ? [] : [single, ...switches]
    const roots = gpusOf({ machine: 'hopper-ppcie' })
    expect(failures(await judge(roots, { ...ppcie.evidence(nonce), devices }))).toContain(
      'gpu-topology GPU_TOPOLOGY_INVALID',
    )
  })

  test.each([
    ['an architecture', { architectures: ['BLACKWELL'] }],
    ['a driver', { minDriver: '595.71.06' }],
    ['a RIM', { rimIds: ['NV_GPU_DRIVER_GH100_595.71.05'] }],
  ] as const)('%s that the policy does not take', async (_, change) => {
    expect(failures(await lied({}, hopper, { policy: { ...policy, ...change } }))).toEqual([
      'gpu-allowed GPU_NOT_ALLOWED',
    ])
  })

  test('drivers are compared number by number', async () => {
    for (const minDriver of ['595.71.05', '595.71', '595.9', '99.999']) {
      expect(
        failures(await lied({}, hopper, { policy: { ...policy, minDriver } })),
        minDriver,
      ).toEqual([])
    }
    for (const minDriver of ['595.72', '596', '595.71.05.1']) {
      expect(
        failures(await lied({}, hopper, { policy: { ...policy, minDriver } })),
        minDriver,
      ).toEqual(['gpu-allowed GPU_NOT_ALLOWED'])
    }
  })

  test('a mode that the policy does not take', async () => {
    expect(failures(await lied({}, hopper, { policy: { ...policy, modes: ['MPT'] } }))).toEqual([
      'gpu-confidential-mode GPU_MODE_REFUSED',
    ])
  })
})
