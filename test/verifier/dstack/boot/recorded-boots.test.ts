import { describe, expect, test } from 'vitest'
import { parseQuote } from '@jeju/verifier'
import { concatBytes, fromBareHex, toBareHex, toHex, type Hex } from '@jeju/verifier/protocol'
import { decodeAttestation } from '../../../../verifier/src/dstack/attestation/decode-attestation.ts'
import { acpiDigestsOf, type BootLogEvent } from '../../../../verifier/src/dstack/boot/acpi-log.ts'
import { embeddedBootImage } from '../../../../verifier/src/dstack/boot/boot-image.ts'
import {
  computeBootRegisters,
  type BootRegisterValues,
} from '../../../../verifier/src/dstack/boot/boot-registers.ts'
import { checkBoot, type BootPolicy } from '../../../../verifier/src/dstack/boot/check-boot.ts'
import { parseMeasurementDocument } from '../../../../verifier/src/dstack/boot/measurement-document.ts'
import { computeRtmr2 } from '../../../../verifier/src/dstack/boot/rtmr2.ts'
import { tdHobDigest } from '../../../../verifier/src/dstack/boot/td-hob.ts'
import { parseTdHobWitness } from '../../../../verifier/src/dstack/boot/td-hob-witness.ts'
import { parseVmConfig } from '../../../../verifier/src/dstack/boot/vm-config.ts'
import { parseEventLog } from '../../../../verifier/src/dstack/event-log.ts'
import { haveVectors, vectorBytes, vectorJson } from '../../vectors.ts'
import { outcome } from '../outcome.ts'

interface Boot {
  readonly signed: BootRegisterValues
  readonly vmConfig: string
  readonly log: readonly BootLogEvent[]
}

function registersOf(quote: Uint8Array): BootRegisterValues {
  const { mrTd: mrtd, rtmrs } = parseQuote(quote).body
  return { mrtd, rtmr0: rtmrs[0], rtmr1: rtmrs[1], rtmr2: rtmrs[2] }
}

function fromAnswer(...path: readonly string[]): Boot {
  const answer = vectorJson('dstack', ...path) as Readonly<Record<string, string>>
  return {
    signed: registersOf(fromBareHex(answer['quote'] ?? '')),
    vmConfig: answer['vm_config'] ?? '',
    log: parseEventLog(answer['event_log'] ?? ''),
  }
}

function fromBundle(...path: readonly string[]): Boot {
  const { attestation } = vectorJson('dstack', ...path) as { readonly attestation: string }
  const { quote, config, eventLog } = decodeAttestation(fromBareHex(attestation))
  return { signed: registersOf(quote), vmConfig: config, log: eventLog }
}

const LITE_HASH: Hex = '0xe6f5cfec20c02e7b97baa213d0f718020b55e040172d90ccbcb946d56c8b09db'
const NORMALIZED_HASH: Hex = '0x98a3394699570adf5921eb17bafed62b37b4a63cad28eb5506b430b63af2e20e'
const BOOTS: readonly {
  readonly id: string
  readonly load: () => Boot
  readonly hash: Hex
  readonly document: 3 | 4
}[] = [
  {
    id: 'document 3, answer of a guest agent',
    load: () => fromAnswer('dstack-next', 'verifier', 'tdx-lite-getquote.json'),
    hash: LITE_HASH,
    document: 3,
  },
  {
    id: 'document 3, SCALE bundle',
    load: () => fromBundle('dstack-next', 'verifier', 'tdx-lite-attestation.json'),
    hash: LITE_HASH,
    document: 3,
  },
  {
    id: 'document 4, MessagePack bundle',
    load: () => fromBundle('dstack-0.6', 'verifier', 'tdx-lite-v1-attest.json'),
    hash: NORMALIZED_HASH,
    document: 4,
  },
  {
    id: 'document 4, SCALE bundle',
    load: () => fromBundle('dstack-0.6', 'verifier', 'tdx-lite-v0-attest.json'),
    hash: NORMALIZED_HASH,
    document: 4,
  },
]

const hex = (bytes: Uint8Array | undefined): string => toBareHex(bytes ?? new Uint8Array(0))
const policy = (hash: Hex, acpi: BootPolicy['acpi']): BootPolicy => ({
  osImages: [],
  osImageHashes: [hash],
  acpi,
})
const LOGGED = { reviewed: [], unreviewed: 'accepted' } as const
const RECOMPUTED = { basis: 'recomputed', agrees: true }

describe.runIf(haveVectors).each(BOOTS)('recorded boot: $id', ({ load, hash, document }) => {
  test('A10 measurements_reproduce: MRTD, RTMR0, RTMR1 and RTMR2, bit for bit', () => {
    const { signed, vmConfig, log } = load()
    const vm = parseVmConfig(vmConfig)
    const image = embeddedBootImage(vm)
    const acpi = acpiDigestsOf(log)
    if (image === undefined || acpi === undefined) throw new Error('nothing to compute with')
    expect(vm).toMatchObject({ memoryBytes: 2n << 30n, pageOrder: 'two-pass' })
    const computed = computeBootRegisters(image, vm, acpi)
    for (const register of ['mrtd', 'rtmr0', 'rtmr1', 'rtmr2'] as const) {
      expect(hex(computed[register]), register).toBe(hex(signed[register]))
    }
    expect(hex(image.mrtd['single-pass'])).not.toBe(hex(signed.mrtd))
    expect(image.kernelMemory).toBe(document === 4 ? 'any' : 'high')
  })

  test('passes by image hash, and RTMR0 says that its ACPI tables are as logged', () => {
    const { signed, vmConfig, log } = load()
    expect(checkBoot(signed, policy(hash, LOGGED), { vmConfig, log })).toMatchObject({
      status: 'passed',
      evidence: {
        osImageHash: hash,
        from: 'measurement document',
        registers: {
          mrtd: RECOMPUTED,
          rtmr0: { basis: 'recomputed, ACPI tables as logged', agrees: true },
          rtmr1: RECOMPUTED,
          rtmr2: RECOMPUTED,
        },
      },
    })
  })

  test('passes with the ACPI tables that any of these machines logged, of one shape all', () => {
    const { signed, vmConfig } = load()
    for (const other of BOOTS) {
      const acpi = acpiDigestsOf(other.load().log)
      if (acpi === undefined) throw new Error('no ACPI digests')
      const { loader, rsdp, tables } = acpi
      const reviewed = [{ loader: toHex(loader), rsdp: toHex(rsdp), tables: toHex(tables) }]
      const strict = policy(hash, { reviewed, unreviewed: 'refused' })
      expect(checkBoot(signed, strict, { vmConfig, log: [] })).toMatchObject({
        status: 'passed',
        evidence: { registers: { rtmr0: RECOMPUTED } },
      })
    }
  })

  test('A5 os_image_unlisted_rejected, and every change of what the host carries', () => {
    const { signed, vmConfig, log } = load()
    const status = (config: string, of: Hex = hash): string =>
      checkBoot(signed, policy(of, LOGGED), { vmConfig: config, log }).status
    const other = hash === LITE_HASH ? NORMALIZED_HASH : LITE_HASH
    expect(status(vmConfig, other)).toBe('failed')
    expect(status(vmConfig.replaceAll(hash.slice(2), other.slice(2)), other)).toBe('failed')
    expect(status(vmConfig.replace('2147483648', '4294967296'))).toBe('failed')
    expect(status(vmConfig.replace('8.2.2', '9.2.1'))).toBe('failed')
    const material = /"(?:measurement|checksum_file)":"([^"]+)"/g
    for (const [, base64 = ''] of vmConfig.matchAll(material)) {
      const at = base64.length >> 1
      const letter = base64[at] === 'A' ? 'B' : 'A'
      const changed = `${base64.slice(0, at)}${letter}${base64.slice(at + 1)}`
      expect(status(vmConfig.replace(base64, changed))).toBe('failed')
    }
  })
})

describe.runIf(haveVectors)('recorded logs of other machines', () => {
  test('the first event of a machine with 64 GiB is the digest of its hand-off block', () => {
    const answer = vectorJson('dstack', 'dstack-next', 'verifier', 'quote-report.json') as {
      readonly event_log: string
    }
    const [first] = parseEventLog(answer.event_log)
    const layout = parseTdHobWitness(fromBareHex('80100904000609020b021010'))
    expect(hex(tdHobDigest(layout, 64n << 30n))).toBe(hex(first?.digest))
  })

  test('a log of 17 events in RTMR0 states no ACPI digests, and its boot is refused', () => {
    const { eventLog, quote, config } = decodeAttestation(
      vectorBytes('dstack', 'dstack-next', 'simulator', 'attestation.bin'),
    )
    expect(eventLog.filter(({ imr }) => imr === 0)).toHaveLength(17)
    expect(acpiDigestsOf(eventLog)).toBeUndefined()
    expect(parseVmConfig(config).memoryBytes).toBe(16n << 30n)
    const hash = toHex(parseVmConfig(config).osImageHash)
    const evidence = { vmConfig: config, log: eventLog }
    expect(checkBoot(registersOf(quote), policy(hash, LOGGED), evidence)).toMatchObject({
      status: 'failed',
      actual: 'none in vm_config',
    })
  })

  test('the published document of version 4 and its RTMR2', () => {
    const { measurement_v4: published } = vectorJson('dstack', 'dstack-vectors.json') as {
      readonly measurement_v4: Readonly<Record<string, string>>
    }
    const bytes = fromBareHex(published['cbor'] ?? '')
    // Its witness is 16 times 0x66, which is no layout; with a real one in its place the rest is read.
    expect(outcome(() => parseMeasurementDocument(bytes))).toBe('MEASUREMENT_INVALID')
    const witness = fromBareHex('4c80100904000609020b021010')
    const document = parseMeasurementDocument(concatBytes(bytes.slice(0, -17), witness))
    expect(hex(document.cmdlineDigest)).toBe(published['cmdline_event'])
    const rtmr2 = computeRtmr2(document.cmdlineDigest, document.initrdDigest)
    expect(hex(rtmr2)).toBe(published['rtmr2'])
  })
})
