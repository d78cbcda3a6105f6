import { equalBytes } from '../bytes/bytes.ts'
import { sha256 } from '../bytes/hash.ts'
import { toHex } from '../bytes/hex.ts'
import { VerifierError } from '../errors.ts'
import { failed, passed, type Check } from '../report/check.ts'
import { readCertificate, type Certificate } from './certificate.ts'
import { parsePckChainPem } from './pem.ts'
import type { TrustAnchor } from './trust-anchor.ts'

const NAME = 'pck-chain'
const OID_KEY_USAGE = '2.5.29.15'
const OID_BASIC_CONSTRAINTS = '2.5.29.19'
const UNDERSTOOD_CRITICAL: readonly string[] = [OID_KEY_USAGE, OID_BASIC_CONSTRAINTS]
const LEAF_NAME = 'Intel SGX PCK Certificate'
const INTERMEDIATE_NAMES: readonly string[] = [
  'Intel SGX PCK Platform CA',
  'Intel SGX PCK Processor CA',
]

/** The result of the chain check and, where the chain could be read, the leaf. */
export interface PckChain {
  readonly check: Check<typeof NAME>
  readonly leaf: Certificate | undefined
}

/** Leaf ← intermediate ← root, ending in the anchor, all valid at `at` (Intel PCK Certificate and CRL profile). */
export async function checkPckChain(
  pem: Uint8Array,
  anchor: TrustAnchor,
  at: Date,
): Promise<PckChain> {
  let chain: readonly [Certificate, Certificate, Certificate]
  try {
    const [leaf, intermediate, root] = parsePckChainPem(pem)
    chain = [readCertificate(leaf), readCertificate(intermediate), readCertificate(root)]
  } catch (error) {
    const actual = error instanceof VerifierError ? error.message : 'not X.509'
    return { check: failed(NAME, 'three X.509 certificates', actual), leaf: undefined }
  }
  const fault = anchorFault(chain, anchor) ?? shapeFault(chain, at) ?? (await signatureFault(chain))
  const [leaf, intermediate] = chain
  return {
    leaf,
    check:
      fault ??
      passed(NAME, {
        anchor: anchor.name,
        tier: anchor.tier,
        leafSha256: toHex(sha256(leaf.der)),
        issuer: intermediate.commonName,
        validUntil: earliest(chain).toISOString(),
      }),
  }
}

type Chain = readonly [leaf: Certificate, intermediate: Certificate, root: Certificate]

function earliest(chain: Chain): Date {
  return new Date(Math.min(...chain.map(({ notAfter }) => notAfter.getTime())))
}

function anchorFault([, , root]: Chain, anchor: TrustAnchor): Check<typeof NAME> | undefined {
  return equalBytes(root.der, anchor.certificate)
    ? undefined
    : failed(
        NAME,
        `root ${anchor.name}, sha256 ${toHex(sha256(anchor.certificate))}`,
        `root sha256 ${toHex(sha256(root.der))}`,
      )
}

function shapeFault(chain: Chain, at: Date): Check<typeof NAME> | undefined {
  const [leaf, intermediate, root] = chain
  const rules: readonly (readonly [holds: boolean, expected: string, actual: string])[] = [
    [leaf.commonName === LEAF_NAME, `leaf CN ${LEAF_NAME}`, leaf.commonName],
    [
      INTERMEDIATE_NAMES.includes(intermediate.commonName),
      `intermediate CN ${INTERMEDIATE_NAMES.join(' or ')}`,
      intermediate.commonName,
    ],
    [
      equalBytes(leaf.issuer, intermediate.subject),
      'leaf issued by the intermediate',
      'other name',
    ],
    [
      equalBytes(intermediate.issuer, root.subject),
      'intermediate issued by the root',
      'other name',
    ],
    [equalBytes(root.issuer, root.subject), 'root issued by itself', 'other name'],
    [!leaf.isCa && leaf.signsData, 'leaf: no CA, digitalSignature', 'other constraints'],
    [intermediate.isCa && intermediate.signsCertificates, 'intermediate: CA', 'other constraints'],
    [intermediate.pathLength === 0, 'intermediate: path length 0', String(intermediate.pathLength)],
    [root.isCa && root.signsCertificates, 'root: CA', 'other constraints'],
  ]
  const broken = rules.find(([holds]) => !holds)
  if (broken !== undefined) return failed(NAME, broken[1], broken[2])
  for (const certificate of chain) {
    const unknown = certificate.critical.find((oid) => !UNDERSTOOD_CRITICAL.includes(oid))
    if (unknown !== undefined) {
      return failed(NAME, 'no unknown critical extension', `${certificate.commonName}: ${unknown}`)
    }
    if (at < certificate.notBefore || at > certificate.notAfter) {
      return failed(
        NAME,
        `${certificate.commonName} valid at ${at.toISOString()}`,
        `${certificate.notBefore.toISOString()} to ${certificate.notAfter.toISOString()}`,
      )
    }
  }
  return undefined
}

async function signatureFault(chain: Chain): Promise<Check<typeof NAME> | undefined> {
  const [leaf, intermediate, root] = chain
  for (const [certificate, issuer] of [
    [leaf, intermediate],
    [intermediate, root],
    [root, root],
  ] as const) {
    if (!(await certificate.isSignedBy(issuer).catch(() => false))) {
      return failed(NAME, `${certificate.commonName} signed by its issuer`, 'signature invalid')
    }
  }
  return undefined
}
