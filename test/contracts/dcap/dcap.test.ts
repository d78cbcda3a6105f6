import {
  collateralReaderAbi,
  gpuDevicesAbi,
  measurementPolicyAbi,
  tdxAttestationVerifierAbi,
  tdxVerifierAbi,
} from '@jeju/contracts'
import { explainRefusal, readQuote } from '@jeju/contracts/dcap'
import { createSimulatedPlatform, launchTd } from '@jeju/simulator'
import { sha256, toHex, utf8 } from '@jeju/verifier/protocol'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { readCertificate, readChain } from '../../../contracts/dcap/certificate.ts'
import { standardNumberOf } from '../../../contracts/dcap/collateral.ts'
import { batchesOf, mostGasOf, type CollateralStep } from '../../../contracts/dcap/plan.ts'
import { refusalIn } from '../../../contracts/dcap/viem-dcap.ts'
import { trimQuote } from '../tdx/trim-quote.ts'

const COMPOSE = utf8('{"name":"node"}')
let quote: Uint8Array
let leafDer: Uint8Array

beforeAll(async () => {
  const platform = await createSimulatedPlatform({ at: new Date() })
  quote = await launchTd(platform, { appCompose: COMPOSE }).quote(new Uint8Array(64).fill(7))
  leafDer = platform.pki.pckLeaf.der
})

describe('a quote on its way to the chain', () => {
  test('is cut before its PCK chain, whatever stands behind it', () => {
    const { trimmed, pckChainPem, measurements } = readQuote(quote)
    expect(trimmed).toEqual(trimQuote(quote))
    expect(trimmed).toHaveLength(1252)
    expect(readChain(pckChainPem).map(({ subject }) => subject)).toEqual([
      'Intel SGX PCK Certificate',
      'Intel SGX PCK Platform CA',
      'Intel SGX Root CA',
    ])
    expect(toHex(readChain(pckChainPem)[0]?.der ?? new Uint8Array())).toBe(toHex(leafDer))
    expect(measurements.composeHash).toEqual(sha256(COMPOSE))
    expect(measurements.image).toHaveLength(304)
    expect(readQuote(Uint8Array.from([...quote, 1, 2, 3])).trimmed).toEqual(trimmed)
  })

  test('that is none is refused with a code, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(1400), (noise, at) => {
        for (const bytes of [
          noise,
          quote.slice(0, at),
          Uint8Array.from([...quote.slice(0, at), ...noise]),
        ]) {
          try {
            readQuote(bytes)
          } catch (error) {
            expect(error).toMatchObject({ name: 'DcapError', code: 'QUOTE_INVALID' })
          }
        }
      }),
    )
  })

  test('with a certificate that is none is refused with a code', () => {
    fc.assert(
      fc.property(fc.nat(leafDer.length - 1), fc.nat(255), (at, byte) => {
        const changed = leafDer.slice()
        changed[at] = byte
        try {
          readCertificate(changed)
        } catch (error) {
          expect(error).toMatchObject({ name: 'DcapError', code: 'CERTIFICATE_INVALID' })
        }
      }),
    )
    expect(() => readChain('no PEM')).toThrow(
      expect.objectContaining({ code: 'CERTIFICATE_INVALID' }),
    )
  })
})

describe('a refusal', () => {
  // Who keeps the allow-list meets its errors elsewhere.
  const ofList = new Set<string>(
    measurementPolicyAbi.flatMap((entry) => (entry.type === 'error' ? [entry.name] : [])),
  )
  const errors = [
    ...tdxVerifierAbi,
    ...tdxAttestationVerifierAbi,
    ...collateralReaderAbi,
    ...gpuDevicesAbi,
  ].flatMap((entry) => (entry.type === 'error' && !ofList.has(entry.name) ? [entry] : []))

  test.each(errors.map((entry) => [entry.name, entry] as const))(
    '%s has a sentence that says what was expected',
    (error, { inputs }) => {
      const args = inputs.map(({ type }, i) =>
        type === 'uint8'
          ? i
          : type.startsWith('uint')
            ? BigInt(1_700_000_000 + i)
            : `0x${'ab'.repeat(32)}`,
      )
      const sentence = explainRefusal({ error, args })
      expect(sentence).toMatch(/expected|nothing is wrong/)
      expect(sentence).not.toMatch(/undefined|NaN|\[object/)
    },
  )

  test('of another contract is told by its name, and one without data by nothing', () => {
    expect(explainRefusal({ error: 'Paused', args: [1n] })).toBe('Paused(1)')
    expect(refusalIn('0x12345678')).toBeUndefined()
  })
})

describe('a batch', () => {
  const list = (bytes: number): CollateralStep => ({
    name: 'PCK CRL',
    why: 'missing',
    call: { function: 'upsertRevocationList', der: new Uint8Array(bytes) },
  })

  test('is cut where a transaction would take too much gas, in order', () => {
    const small = list(500)
    expect(batchesOf([])).toEqual([])
    expect(batchesOf([small, small, small])).toHaveLength(1)
    const large = list(9_000)
    expect(batchesOf([small, large, large, small]).map((batch) => batch.length)).toEqual([2, 2])
    for (const batch of batchesOf([small, large, large, small])) {
      expect(batch.reduce((gas, step) => gas + mostGasOf(step), 0n)).toBeLessThan(16_777_216n)
    }
  })
})

test('the standard number is the highest whose recovery event is a year old', () => {
  const list = (...entries: readonly (readonly [number, string])[]): string =>
    JSON.stringify({
      tcbEvalNumbers: entries.map(([tcbEvaluationDataNumber, tcbRecoveryEventDate]) => ({
        tcbEvaluationDataNumber,
        tcbRecoveryEventDate,
      })),
    })
  const at = (text: string): bigint => BigInt(Date.parse(text) / 1000)
  const numbers = list([20, '2025-06-25T00:00:00Z'], [19, '2025-05-13T00:00:00Z'])
  expect(standardNumberOf(numbers, at('2026-06-24T23:59:59Z'))).toBe(19)
  expect(standardNumberOf(numbers, at('2026-06-25T00:00:00Z'))).toBe(20)
  for (const text of ['', '[]', '{}', list([20, '2025']), list([0, '2025-05-13T00:00:00Z'])]) {
    expect(() => standardNumberOf(text, at('2026-06-25T00:00:00Z'))).toThrow(
      expect.objectContaining({ code: 'COLLATERAL_INVALID' }),
    )
  }
})
