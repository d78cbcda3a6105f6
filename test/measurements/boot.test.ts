import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseQuote } from '@jeju/verifier'
import { fromBareHex, fromHex, toHex, type Hex } from '@jeju/verifier/protocol'
import { describe, expect, test } from 'vitest'
import { imageIdOf } from '../../measurements/src/boot/image-id.ts'
import { measureImageFolder } from '../../measurements/src/boot/image-folder.ts'
import { imageRegisters } from '../../measurements/src/boot/image-registers.ts'
import { bootImageOf, readOsImages, readVmShapes } from '../../measurements/src/boot/os-image.ts'
import { mrConfigIdV1, rtmr3Of, runtimeEvents } from '../../measurements/src/boot/rtmr3.ts'
import { composeHash } from '../../measurements/src/compose/app-compose.ts'
import { kmsPin } from '../../measurements/src/release/kms-pin.ts'
import { decodeAttestation } from '../../verifier/src/dstack/attestation/decode-attestation.ts'
import { parseEventLog } from '../../verifier/src/dstack/event-log.ts'
import { keyProviderOf } from '../../verifier/src/dstack/key-provider.ts'
import { platformEvents, singlePayload } from '../../verifier/src/dstack/platform-events.ts'
import { runtimeEventsOf, type RuntimeEvent } from '../../verifier/src/dstack/runtime-events.ts'
import { image } from '../verifier/dstack/boot/image-fixture.ts'
import { haveVectors, vectorBytes, vectorJson } from '../verifier/vectors.ts'

const [SHAPE] = await readVmShapes()

interface Capture {
  readonly quote: Uint8Array
  readonly platform: readonly RuntimeEvent[]
}

function capture(quote: Uint8Array, events: Parameters<typeof runtimeEventsOf>[0]): Capture {
  return { quote, platform: platformEvents(runtimeEventsOf(events)) ?? [] }
}

function answer(...path: readonly string[]): Capture {
  const { quote = '', event_log = '' } = vectorJson('dstack', ...path) as Record<string, string>
  return capture(fromBareHex(quote), parseEventLog(event_log))
}

function bundle(...path: readonly string[]): Capture {
  const { attestation } = vectorJson('dstack', ...path) as { readonly attestation: string }
  const { quote, eventLog } = decodeAttestation(fromBareHex(attestation))
  return capture(quote, eventLog)
}

const LITE = (): Capture => answer('dstack-next', 'verifier', 'tdx-lite-getquote.json')
const V06 = (): Capture => bundle('dstack-0.6', 'verifier', 'tdx-lite-v1-attest.json')

describe.runIf(haveVectors)('recorded machines', () => {
  test.each([
    ['dstack-lite-capture-2026-08', LITE],
    ['dstack-0.6-capture-2026-08', V06],
  ])(
    'A10 measurements_reproduce: MRTD and RTMR0 to 2 of %s from measurements/ alone',
    async (name, load) => {
      const recorded = (await readOsImages()).find((each) => each.name === name)
      const boot = recorded && bootImageOf(recorded)
      if (boot === undefined || SHAPE === undefined) throw new Error('nothing to compute with')
      const { mrTd, rtmrs } = parseQuote(load().quote).body
      expect(imageRegisters(boot, SHAPE)).toEqual({
        mrtd: toHex(mrTd),
        rtmr0: toHex(rtmrs[0]),
        rtmr1: toHex(rtmrs[1]),
        rtmr2: toHex(rtmrs[2]),
      })
      expect(recorded?.accepted).toBe(false)
    },
  )

  test.each([
    // The August capture was a 0.5 guest: no gpu-policy-hash.
    ['0.5 with a KMS', '0.5', LITE],
    ['0.6 without keys', '0.6', V06],
  ] as const)('A10 RTMR3 of %s is the one of its events in order', (_, guest, load) => {
    const { quote, platform } = load()
    const payload = (name: string): Hex => toHex(singlePayload(platform, name) ?? new Uint8Array(0))
    const provider = keyProviderOf(platform)
    const image = singlePayload(platform, 'os-image-hash')
    const events = runtimeEvents({
      guest,
      composeHash: payload('compose-hash'),
      instanceId: payload('instance-id'),
      keyProvider: {
        name: provider?.name ?? '',
        id: toHex(provider?.id ?? new Uint8Array(0)).slice(2),
      },
      storageFs: 'zfs',
      ...(image === undefined ? {} : { osImageHash: toHex(image) }),
    })
    const { body } = parseQuote(quote)
    expect(events.slice(0, -1).map(({ name }) => name)).toEqual(platform.map(({ name }) => name))
    expect(rtmr3Of(events)).toBe(toHex(body.rtmrs[3]))
    expect(mrConfigIdV1(payload('compose-hash'))).toBe(toHex(body.mrConfigId))
  })

  test('a recorded app-compose file has the measured hash', () => {
    const bytes = vectorBytes('dstack', 'dstack-examples', 'rtmr3-based', 'app-compose.json')
    const { platform } = answer('dstack-examples', 'rtmr3-based', 'report.json')
    expect(composeHash(bytes)).toBe(
      toHex(singlePayload(platform, 'compose-hash') ?? new Uint8Array(0)),
    )
  })

  test('the image id on chain is that of a quote', () => {
    const { cases } = vectorJson('onchain', 'cases.json') as {
      readonly cases: readonly {
        readonly id: string
        readonly quote: string
        readonly expected: { readonly imageId?: string }
      }[]
    }
    const found = cases.find(({ id }) => id === 'v4-outofdate-2025-06')
    const quote = vectorBytes('onchain', 'quotes', 'v4-td10.bin')
    const { mrTd, rtmrs, tdAttributes, xfam } = parseQuote(quote).body
    const [rtmr0, rtmr1, rtmr2] = rtmrs.map(toHex)
    if (!rtmr0 || !rtmr1 || !rtmr2) throw new Error('registers')
    const fields = { tdAttributes: toHex(tdAttributes), xfam: toHex(xfam) }
    const id = imageIdOf({ mrtd: toHex(mrTd), rtmr0, rtmr1, rtmr2 }, fields)
    expect(id).toBe(`0x${found?.expected.imageId}`)
  })

  test('a pin of a KMS has the key that guests measure', () => {
    const { ca_cert } = vectorJson('dstack', 'dstack-next', 'simulator', 'appkeys.json') as Record<
      string,
      string
    >
    const { simulator_fixture_v0: known } = vectorJson('dstack', 'dstack-vectors.json') as Record<
      string,
      Record<string, string>
    >
    const k256_pubkey = known?.['kms_root_pubkey'] ?? ''
    const pin = kmsPin(JSON.stringify({ ca_cert, k256_pubkey }))
    expect(pin.caPublicKeyInfo).toBe(`0x${known?.['kms_ca_spki_der']}`)
    expect(fromHex(pin.rootPublicKey)).toHaveLength(33)
  })
})

test('A13 what is no answer of a KMS gives no pin', () => {
  for (const text of ['', '{}', '{"ca_cert":"x","k256_pubkey":"02"}']) {
    expect(() => kmsPin(text)).toThrow('KMS.GetMeta')
  }
})

test('an unpacked image is measured from its files, and a changed one is refused', async () => {
  if (SHAPE === undefined) throw new Error('no shape')
  const folder = await mkdtemp(join(tmpdir(), 'jeju-os-image-'))
  try {
    for (const [name, content] of image()) await writeFile(join(folder, name), content)
    const memory = BigInt(SHAPE.memoryBytes)
    const registers = imageRegisters(await measureImageFolder(folder, memory), SHAPE)
    for (const value of Object.values(registers)) expect(value).toMatch(/^0x[0-9a-f]{96}$/)
    await writeFile(join(folder, 'initramfs.cpio.gz'), 'another')
    await expect(measureImageFolder(folder, memory)).rejects.toMatchObject({
      code: 'IMAGE_INVALID',
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})
