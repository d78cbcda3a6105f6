import type { Forgery, QuoteChange } from '@jeju/simulator/forge'
import type { VerifierErrorCode } from '@jeju/verifier'
import { utf8 } from '@jeju/verifier/protocol'
import { accepted, thrown, UP_TO_DATE, type CaseArea, type ForgeCase } from '../forge-case.ts'

/** Lengths and types away from the truth, and bytes behind what they cover. */

const ALL_ONES = 0xffff_ffff
const KIB = 1024

const one = Uint8Array.of(0x5a)

export const quoteLengths: CaseArea = {
  area: 'quote lengths and trailing bytes',
  cases: [...truncated(), ...lengths(), ...types(), ...tails()],
}

function truncated(): readonly ForgeCase[] {
  const cut = (end: number): Forgery => ({ quote: { bytes: (quote) => quote.slice(0, end) } })
  return [
    ...[0, 1, 47, 48, 631, 635, 636, 699, 769, 770, 1153, 1220, 1251, 1257, -1].map((end) =>
      thrown(
        end < 0 ? 'cut-last-byte' : `cut-at-${end}`,
        'an input that ends inside a field',
        cut(end),
        'INPUT_TRUNCATED',
      ),
    ),
    thrown(
      'v5-cut-at-53',
      'ends inside the descriptor',
      { quote: { layout: 'v5', bytes: (quote) => quote.slice(0, 53) } },
      'INPUT_TRUNCATED',
    ),
  ]
}

function lengths(): readonly ForgeCase[] {
  const rows: readonly (readonly [string, QuoteChange, VerifierErrorCode])[] = [
    ['auth-0', { auth: { length: () => 0 } }, 'INPUT_TRUNCATED'],
    ['auth-all-ones', { auth: { length: () => ALL_ONES } }, 'INPUT_TRUNCATED'],
    ['auth-one-short', { auth: { length: (n) => n - 1 } }, 'QUOTE_LENGTH_MISMATCH'],
    ['auth-one-long', { auth: { length: (n) => n + 1 } }, 'INPUT_TRUNCATED'],
    [
      'auth-takes-padding',
      { auth: { length: (n) => n + 1 }, padding: new Uint8Array(1) },
      'QUOTE_LENGTH_MISMATCH',
    ],
    ['outer-0', { outer: { length: () => 0 } }, 'QUOTE_LENGTH_MISMATCH'],
    ['outer-all-ones', { outer: { length: () => ALL_ONES } }, 'QUOTE_LENGTH_MISMATCH'],
    ['outer-one-short', { outer: { length: (n) => n - 1 } }, 'QUOTE_LENGTH_MISMATCH'],
    ['outer-one-long', { outer: { length: (n) => n + 1 } }, 'QUOTE_LENGTH_MISMATCH'],
    ['inner-0', { inner: { length: () => 0 } }, 'QUOTE_LENGTH_MISMATCH'],
    ['inner-all-ones', { inner: { length: () => ALL_ONES } }, 'QUOTE_LENGTH_MISMATCH'],
    ['inner-one-short', { inner: { length: (n) => n - 1 } }, 'QUOTE_LENGTH_MISMATCH'],
    ['inner-one-long', { inner: { length: (n) => n + 1 } }, 'QUOTE_LENGTH_MISMATCH'],
    ['qe-auth-all-ones', { qeAuthFraming: { length: () => 0xffff } }, 'INPUT_TRUNCATED'],
    ['qe-auth-0', { qeAuthFraming: { length: () => 0 } }, 'QUOTE_CERT_DATA_UNSUPPORTED'],
    ['qe-auth-31', { qeAuthFraming: { length: () => 31 } }, 'QUOTE_CERT_DATA_UNSUPPORTED'],
    ['qe-auth-33', { qeAuthFraming: { length: () => 33 } }, 'QUOTE_CERT_DATA_UNSUPPORTED'],
    ['behind-inner', { inner: { behind: one } }, 'QUOTE_LENGTH_MISMATCH'],
    ['behind-inner-zero', { inner: { behind: new Uint8Array(1) } }, 'QUOTE_LENGTH_MISMATCH'],
    ['behind-outer', { outer: { behind: one } }, 'QUOTE_LENGTH_MISMATCH'],
    ['behind-outer-zero', { outer: { behind: new Uint8Array(1) } }, 'QUOTE_LENGTH_MISMATCH'],
    ['behind-qe-auth', { qeAuthFraming: { behind: one } }, 'QUOTE_CERT_DATA_UNSUPPORTED'],
    ['body-583', { bodyBytes: (body) => body.subarray(0, 583) }, 'INPUT_TRUNCATED'],
    ['body-585', { bodyBytes: (body) => Uint8Array.of(...body, 0) }, 'INPUT_TRUNCATED'],
  ]
  const why = 'every length covers exactly what it holds: nothing hides between two of them'
  return rows.map(([id, quote, code]) => thrown(`length-${id}`, why, { quote }, code))
}

function types(): readonly ForgeCase[] {
  const outer = [0, 1, 5, 7, 0xffff].map((type) =>
    thrown(
      `outer-type-${type}`,
      'TDX quotes certify their key with type 6 alone',
      { quote: { outer: { type } } },
      'QUOTE_CERT_DATA_UNSUPPORTED',
    ),
  )
  const inner = [0, 1, 2, 3, 4, 6, 7, 0xffff].map((type) =>
    thrown(
      `inner-type-${type}`,
      'the PCK chain in PEM, type 5, and no other certification',
      { quote: { inner: { type } } },
      'QUOTE_CERT_DATA_UNSUPPORTED',
    ),
  )
  return [...outer, ...inner]
}

function tails(): readonly ForgeCase[] {
  const padded = (padding: Uint8Array): Forgery => ({ quote: { padding } })
  const zeros = (length: number): Forgery => padded(new Uint8Array(length))
  const buffer = 'quotes travel in buffers longer than themselves, filled with zeros'
  const carrier = 'bytes that nobody signed, behind the quote'
  return [
    accepted('padding-1', buffer, zeros(1)),
    accepted('padding-70', buffer, zeros(70)),
    accepted('padding-64-kib', buffer, zeros(64 * KIB)),
    accepted(
      'v5-padding-70',
      buffer,
      { quote: { layout: 'v5', padding: new Uint8Array(70) } },
      { current: UP_TO_DATE },
    ),
    thrown('padding-over-64-kib', 'more than any buffer', zeros(64 * KIB + 1), 'INPUT_TRAILING'),
    thrown('padding-1-mib', 'beyond what is read at all', zeros(KIB * KIB), 'QUOTE_TOO_LARGE'),
    thrown('tail-1', carrier, padded(one), 'INPUT_TRAILING'),
    thrown('tail-100', carrier, padded(new Uint8Array(100).fill(0x5a)), 'INPUT_TRAILING'),
    thrown(
      'tail-behind-zeros',
      carrier,
      padded(Uint8Array.of(...new Uint8Array(70), 1)),
      'INPUT_TRAILING',
    ),
    thrown(
      'chain-over-16-kib',
      'no chain of three certificates is so long',
      { chains: { pck: () => utf8('\n'.repeat(16 * KIB + 1)) } },
      'QUOTE_TOO_LARGE',
    ),
  ]
}
