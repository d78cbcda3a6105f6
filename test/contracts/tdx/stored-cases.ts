import { createForge, nameOf, type Forge, type Forged, type Forgery } from '@jeju/simulator/forge'
import { simulatedTrustAnchor } from '@jeju/verifier'
import { bytesToHex, encodeAbiParameters, hexToBytes, parseAbiParameters } from 'viem'
import { forgeSignature } from '../../../simulator/src/forge/forge-signature.ts'
import { encodeCases } from './case-file.ts'
import { onchainCaseOf, type OnchainCase } from './onchain-case.ts'

/** The vectors that the tests of the contracts read, made by the simulator: `npm run -s generate:onchain`. */

const SEED = 'jeju-compute on-chain vectors 1'
/** The moment the cases play at. */
const AT = new Date('2026-06-15T12:00:00Z')
const PROCESSOR_CA = nameOf('Intel SGX PCK Processor CA')

const seconds = (after: number): Date => new Date(AT.getTime() + after * 1000)
const days = (after: number): Date => seconds(after * 24 * 3600)
const text = (date: Date): string => date.toISOString().replace('.000Z', 'Z')

const OTHER_SERIAL = Uint8Array.of(0x11)
const ENTRY = { date: seconds(-3600) }
/** Lists of the next day: made a minute ago, so that they follow those of the base. */
const LATER = { thisUpdate: seconds(-60), nextUpdate: days(30) }

/** What differs from the genuine quote and its collateral. */
const FORGERIES: Readonly<Record<string, Forgery>> = {
  'genuine-v4': {},
  'genuine-v5': { quote: { layout: 'v5' } },
  'genuine-v5-td10': { quote: { layout: 'v5-td10' } },
  'processor-ca': {
    certificates: {
      intermediate: { fields: (fields) => ({ ...fields, subject: PROCESSOR_CA }) },
      leaf: { fields: (fields) => ({ ...fields, issuer: PROCESSOR_CA }) },
    },
  },
  'pck-revoked': {
    pckCrl: {
      fields: (fields, { leaf }) => ({
        ...fields,
        thisUpdate: seconds(-120),
        entries: [
          { serial: OTHER_SERIAL, ...ENTRY },
          { serial: leaf.fields.serial, ...ENTRY },
        ],
      }),
    },
  },
  'pck-crl-later': { pckCrl: { fields: (fields) => ({ ...fields, ...LATER }) } },
  'root-crl-later': { rootCrl: { fields: (fields) => ({ ...fields, ...LATER }) } },
  'signer-revoked': {
    rootCrl: {
      fields: (fields, { signer }) => ({
        ...fields,
        thisUpdate: seconds(-120),
        entries: [{ serial: signer.fields.serial, ...ENTRY }],
      }),
    },
  },
  'ca-revoked': {
    rootCrl: {
      fields: (fields, { intermediate }) => ({
        ...fields,
        thisUpdate: seconds(-120),
        entries: [{ serial: intermediate.fields.serial, ...ENTRY }],
      }),
    },
  },
  // As Intel renewed its TCB signing certificate in 2025: same key, same serial, later dates.
  'renewed-a-day-later': {
    certificates: {
      intermediate: { fields: (fields) => ({ ...fields, notBefore: days(-1) }) },
      signer: { fields: (fields) => ({ ...fields, notBefore: days(-1) }) },
      leaf: { fields: (fields) => ({ ...fields, notAfter: days(400) }) },
    },
  },
  'other-keys-a-day-later': {
    certificates: {
      intermediate: {
        key: 'attacker',
        fields: (fields) => ({ ...fields, notBefore: days(-1), serial: Uint8Array.of(0x21) }),
      },
      signer: {
        key: 'attacker',
        fields: (fields) => ({ ...fields, notBefore: days(-1), serial: Uint8Array.of(0x22) }),
      },
    },
  },
  'ca-ends-early': {
    certificates: {
      intermediate: { fields: (fields) => ({ ...fields, notAfter: days(2) }) },
      signer: { fields: (fields) => ({ ...fields, notAfter: days(3) }) },
    },
  },
  // The collateral of the next number calls the same platform old.
  early: {
    tcbInfo: {
      value: (info) => ({
        ...info,
        tcbEvaluationDataNumber: 20,
        tcbLevels: info.tcbLevels.map((level) => ({ ...level, tcbStatus: 'OutOfDate' })),
      }),
    },
    qeIdentity: { value: (identity) => ({ ...identity, tcbEvaluationDataNumber: 20 }) },
  },
  'high-s': { quote: { quoteSignature: 'high-s', qeReportSignature: 'high-s' } },
  'qe-out-of-date': { quote: { qeReport: { isvSvn: 2 } } },
  'no-auth-data': { quote: { qeAuth: new Uint8Array(0) } },
}

const LIST_OF_NUMBERS = {
  id: 'TDX',
  version: 1,
  issueDate: text(days(-1)),
  nextUpdate: text(days(29)),
  tcbEvalNumbers: [
    // Standard from ten days later on.
    [20, '2025-06-25T00:00:00Z', '2025-06-26T00:00:00Z'],
    [19, '2025-05-13T00:00:00Z', '2025-05-14T00:00:00Z'],
    [18, '2024-11-12T00:00:00Z', '2024-11-13T00:00:00Z'],
  ].map(([tcbEvaluationDataNumber, tcbRecoveryEventDate, tcbDate]) => ({
    tcbEvaluationDataNumber,
    tcbRecoveryEventDate,
    tcbDate,
  })),
}

/** The files by their names; equal source gives equal bytes. */
export async function writeStoredCases(): Promise<Readonly<Record<string, Uint8Array>>> {
  const forge = await createForge(SEED, AT)
  const cases: OnchainCase[] = []
  for (const [id, forgery] of Object.entries(FORGERIES)) {
    cases.push(await caseOf(id, forge.make(forgery), forge))
  }
  const { keys } = forge
  const scalars = [keys.root, keys.intermediate, keys.leaf, keys.signer, keys.attestation]
  return {
    'cases.abi': encodeCases(cases),
    'keys.abi': hexToBytes(
      encodeAbiParameters(parseAbiParameters('uint256[5]'), [
        scalars.map(({ pair }) => BigInt(bytesToHex(pair.scalar))) as never,
      ]),
    ),
  }
}

async function caseOf(
  id: string,
  { quote, bundle, rootCertificateDer }: Forged,
  forge: Forge,
): Promise<OnchainCase> {
  const trustAnchor = simulatedTrustAnchor('forged', rootCertificateDer)
  const made = await onchainCaseOf({ id, quote, bundle, trustAnchor, at: AT })
  if (made === undefined) throw new Error(`${id} has no form on chain`)
  // Only where the list speaks of this collateral, under the key that signed it.
  if (id === 'early' || id === 'other-keys-a-day-later') return made
  const list = new TextEncoder().encode(JSON.stringify(LIST_OF_NUMBERS))
  const numbersSignature = forgeSignature(forge.keys.signer.pair, list, undefined)
  return { ...made, numbers: bytesToHex(list), numbersSignature: bytesToHex(numbersSignature) }
}
