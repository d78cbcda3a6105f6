import { beforeAll, describe, expect, test } from 'vitest'
import { intelTrustAnchor, simulatedTrustAnchor, type Check } from '@jeju/verifier'
import { concatBytes, utf8 } from '@jeju/verifier/protocol'
import {
  issue,
  type CertificateRequest,
  type Identity,
} from '../../../simulator/src/pki/certificate-authority.ts'
import {
  SGX_EXTENSION_OID,
  sgxExtension,
  type SgxPlatform,
} from '../../../simulator/src/pki/sgx-extension.ts'
import { PckChains } from '../../../verifier/src/tdx/check-pck-chain.ts'
import { Certificates } from '../../../verifier/src/tdx/issuance.ts'
import type { TrustAnchor } from '../../../verifier/src/tdx/trust-anchor.ts'
import { P256Verifier } from '../../../verifier/src/x509/p256.ts'
import { AT } from '../evidence/fixture.ts'

const DAY_MS = 24 * 3600 * 1000
const days = (count: number): Date => new Date(AT.getTime() + count * DAY_MS)
const validity = { from: days(-10), until: days(10) }

const ROOT = 'Intel SGX Root CA'
const PLATFORM = 'Intel SGX PCK Platform CA'
const PROCESSOR = 'Intel SGX PCK Processor CA'
const LEAF = 'Intel SGX PCK Certificate'

let root: Identity
let intermediate: Identity
let leaf: Identity

const certified: SgxPlatform = {
  ppid: new Uint8Array(16),
  components: new Uint8Array(16).fill(3),
  pceSvn: 13,
  pceId: new Uint8Array(2),
  fmspc: new Uint8Array(6),
  platformInstanceId: new Uint8Array(16),
}

const issueRoot = (changes: Partial<CertificateRequest> = {}): Promise<Identity> =>
  issue({ commonName: ROOT, validity, role: { ca: 1 }, ...changes })
const issueIntermediate = (changes: Partial<CertificateRequest> = {}): Promise<Identity> =>
  issue({ commonName: PLATFORM, validity, role: { ca: 0 }, issuer: root, ...changes })
const issueLeaf = (changes: Partial<CertificateRequest> = {}): Promise<Identity> =>
  issue({
    commonName: LEAF,
    validity,
    role: 'leaf',
    issuer: intermediate,
    extensions: [{ oid: SGX_EXTENSION_OID, der: sgxExtension(certified) }],
    ...changes,
  })

beforeAll(async () => {
  root = await issueRoot()
  intermediate = await issueIntermediate()
  leaf = await issueLeaf()
})

const pemOf = (...chain: readonly Identity[]): string => chain.map(({ pem }) => pem).join('')

async function checkPckChain(
  pem: Uint8Array,
  trustAnchor: TrustAnchor,
  time: Date,
): Promise<{ readonly check: Check }> {
  return new PckChains(trustAnchor, new Certificates(new P256Verifier())).check(pem, time.getTime())
}

async function judge(pem: string | Uint8Array, time: Date = AT, anchor = root): Promise<Check> {
  const bytes = typeof pem === 'string' ? utf8(pem) : pem
  const trustAnchor = simulatedTrustAnchor('tests', anchor.der)
  return (await checkPckChain(bytes, trustAnchor, time)).check
}

/** What a failed check expected; the empty text for a passed one. */
async function expected(pem: string | Uint8Array, time?: Date): Promise<string> {
  const check = await judge(pem, time)
  return check.status === 'failed' ? check.expected : ''
}

describe('shape', () => {
  test('three certificates, leaf first; line ends and one NUL do not matter', async () => {
    const pem = pemOf(leaf, intermediate, root)
    for (const form of [pem, `${pem}\0`, pem.replaceAll('\n', '\r\n'), pem.trimEnd()]) {
      expect((await judge(form)).status).toBe('passed')
    }
    const processor = await issueIntermediate({ commonName: PROCESSOR })
    const other = await issueLeaf({ issuer: processor })
    expect((await judge(pemOf(other, processor, root))).status).toBe('passed')
  })

  test('every other order and number', async () => {
    const chains = [
      [],
      [leaf],
      [leaf, intermediate],
      [leaf, root],
      [leaf, leaf, root],
      [leaf, root, root],
      [leaf, root, intermediate],
      [intermediate, leaf, root],
      [root, intermediate, leaf],
      [leaf, intermediate, root, root],
      [leaf, intermediate, intermediate, root],
    ]
    for (const [index, chain] of chains.entries()) {
      expect((await judge(pemOf(...chain))).status, String(index)).toBe('failed')
    }
  })

  test('anything beside the certificates', async () => {
    const pem = pemOf(leaf, intermediate, root)
    const texts = [
      `text\n${pem}`,
      `${pem}\0\0`,
      `${pem} `,
      pem.replace('-----BEGIN', ' -----BEGIN'),
      pem.replaceAll('CERTIFICATE', 'X509 CRL'),
      pem.replace('MII', '=II'),
      pem.replace('MII', 'MI!'),
      `${pem}-----BEGIN CERTIFICATE-----`,
    ]
    for (const [index, text] of texts.entries()) {
      expect(await expected(text), String(index)).toBe('three X.509 certificates')
    }
    const notText = concatBytes(utf8(pem), Uint8Array.of(0xff))
    expect(await expected(notText)).toBe('three X.509 certificates')
  })

  test('a byte behind the DER of a certificate', async () => {
    const longer = Buffer.concat([leaf.der, Uint8Array.of(0)]).toString('base64')
    const pem = `-----BEGIN CERTIFICATE-----\n${longer}\n-----END CERTIFICATE-----\n`
    expect(await expected(pem + pemOf(intermediate, root))).toBe('three X.509 certificates')
  })
})

describe('who issued whom', () => {
  test('B12 another root of the same names, and the root of Intel', async () => {
    const impostor = await issueRoot()
    expect((await judge(pemOf(leaf, intermediate, impostor))).status).toBe('failed')
    expect((await judge(pemOf(leaf, intermediate, impostor), AT, impostor)).status).toBe('failed')
    expect((await judge(pemOf(leaf, intermediate, root), AT, impostor)).status).toBe('failed')
    const bytes = utf8(pemOf(leaf, intermediate, root))
    const { check } = await checkPckChain(bytes, intelTrustAnchor(), AT)
    expect(check).toMatchObject({
      status: 'failed',
      expected: expect.stringContaining('44a0196b') as unknown,
    })
  })

  test('signatures by keys of the same names', async () => {
    const impostor = await issueRoot()
    const planted = await issueIntermediate({ issuer: impostor })
    const under = await issueLeaf({ issuer: planted })
    expect(await expected(pemOf(under, planted, root))).toBe(`${PLATFORM} signed by its issuer`)
    expect(await expected(pemOf(under, intermediate, root))).toBe(`${LEAF} signed by its issuer`)
  })

  test('names that do not follow each other', async () => {
    const direct = await issueLeaf({ issuer: root })
    expect(await expected(pemOf(direct, intermediate, root))).toBe(
      'leaf issued by the intermediate',
    )
    const foreign = await issueRoot({ commonName: 'Another Root CA' })
    const planted = await issueIntermediate({ issuer: foreign })
    const under = await issueLeaf({ issuer: planted })
    expect(await expected(pemOf(under, planted, root))).toBe('intermediate issued by the root')
  })

  test('an anchor that is no root: issued by another name, or by another key of its name', async () => {
    const above = await issueRoot({ commonName: 'Above' })
    const namesake = await issueRoot()
    for (const [issuer, wanted] of [
      [above, 'root issued by itself'],
      [namesake, `${ROOT} signed by its issuer`],
    ] as const) {
      const anchor = await issueRoot({ issuer })
      const ca = await issueIntermediate({ issuer: anchor })
      const under = await issueLeaf({ issuer: ca })
      const check = await judge(pemOf(under, ca, anchor), AT, anchor)
      expect(check).toMatchObject({ status: 'failed', expected: wanted })
    }
  })

  test('common names of other roles', async () => {
    const signing = await issueLeaf({ commonName: 'Intel SGX TCB Signing' })
    expect(await expected(pemOf(signing, intermediate, root))).toBe(`leaf CN ${LEAF}`)
    const other = await issueIntermediate({ commonName: 'Intel SGX Attestation Report Signing CA' })
    const under = await issueLeaf({ issuer: other })
    expect(await expected(pemOf(under, other, root))).toContain('intermediate CN')
  })

  test('constraints of other roles', async () => {
    const ca = await issueLeaf({ role: { ca: 0 } })
    expect(await expected(pemOf(ca, intermediate, root))).toBe('leaf: no CA, digitalSignature')
    const notCa = await issueIntermediate({ role: 'leaf' })
    const under = await issueLeaf({ issuer: notCa })
    expect(await expected(pemOf(under, notCa, root))).toBe('intermediate: CA')
    const deep = await issueIntermediate({ role: { ca: 1 } })
    const below = await issueLeaf({ issuer: deep })
    expect(await expected(pemOf(below, deep, root))).toBe('intermediate: path length 0')
  })
})

test('a critical extension nobody here understands', async () => {
  // The critical basic constraints of a leaf, under another OID: 2.5.29.19 becomes 2.5.29.127.
  const hex = Buffer.from(leaf.der).toString('hex')
  expect(hex.split('0603551d13')).toHaveLength(2)
  const der = Buffer.from(hex.replace('0603551d13', '0603551d7f'), 'hex').toString('base64')
  const pem = `-----BEGIN CERTIFICATE-----\n${der}\n-----END CERTIFICATE-----\n`
  expect(await judge(pem + pemOf(intermediate, root))).toMatchObject({
    expected: 'no unknown critical extension',
    actual: `${LEAF}: 2.5.29.127`,
  })
})

describe('B8 time_is_an_input', () => {
  test('both ends of a validity belong to it', async () => {
    const pem = pemOf(leaf, intermediate, root)
    const second = 1_000
    const from = Math.floor(validity.from.getTime() / 1_000) * 1_000
    const until = Math.floor(validity.until.getTime() / 1_000) * 1_000
    for (const [time, status] of [
      [from - second, 'failed'],
      [from, 'passed'],
      [until, 'passed'],
      [until + second, 'failed'],
    ] as const) {
      expect((await judge(pem, new Date(time))).status, new Date(time).toISOString()).toBe(status)
    }
  })

  test('each certificate has its own', async () => {
    const past = { from: days(-10), until: days(-1) }
    const future = { from: days(1), until: days(10) }
    for (const wrong of [past, future]) {
      const oldLeaf = await issueLeaf({ validity: wrong })
      expect(await expected(pemOf(oldLeaf, intermediate, root))).toContain(`${LEAF} valid at`)
      const oldCa = await issueIntermediate({ validity: wrong })
      const under = await issueLeaf({ issuer: oldCa })
      expect(await expected(pemOf(under, oldCa, root))).toContain(`${PLATFORM} valid at`)
      const oldRoot = await issueRoot({ validity: wrong })
      const ca = await issueIntermediate({ issuer: oldRoot })
      const below = await issueLeaf({ issuer: ca })
      expect(await judge(pemOf(below, ca, oldRoot), AT, oldRoot)).toMatchObject({
        status: 'failed',
        expected: expect.stringContaining(`${ROOT} valid at`) as unknown,
      })
    }
  })
})
