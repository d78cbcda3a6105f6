import { expect, test } from 'vitest'
import { createForge, type Forgery } from '@jeju/simulator/forge'
import { parseCollateral } from '@jeju/verifier'
import { days, FORGE_SEED, FORGE_TIME, seconds } from './forge-case.ts'
import { verifierOf } from './judge-case.ts'

/** Collateral is judged once and asked at many times: what begins or ends in between must not be forgotten. */

const BEGINS = seconds(-100)
const ENDS = seconds(100)
const text = (date: Date): string => date.toISOString().replace('.000Z', 'Z')

/** One part of the collateral alone has the narrower time. */
const NARROWED: readonly (readonly [string, Forgery])[] = [
  ['nothing', {}],
  [
    'the signer',
    {
      certificates: {
        signer: { fields: (fields) => ({ ...fields, notBefore: BEGINS, notAfter: ENDS }) },
      },
    },
  ],
  [
    'the root CRL',
    { rootCrl: { fields: (fields) => ({ ...fields, thisUpdate: BEGINS, nextUpdate: ENDS }) } },
  ],
  [
    'the PCK CRL',
    { pckCrl: { fields: (fields) => ({ ...fields, thisUpdate: BEGINS, nextUpdate: ENDS }) } },
  ],
  [
    'TCB info',
    {
      tcbInfo: {
        value: (info) => ({ ...info, issueDate: text(BEGINS), nextUpdate: text(ENDS) }),
      },
    },
  ],
  [
    'the QE identity',
    {
      qeIdentity: {
        value: (identity) => ({ ...identity, issueDate: text(BEGINS), nextUpdate: text(ENDS) }),
      },
    },
  ],
]

const TIMES = [
  days(-31),
  days(-2),
  days(-1),
  seconds(-101),
  BEGINS,
  seconds(-99),
  FORGE_TIME,
  seconds(99),
  ENDS,
  seconds(101),
  days(28),
  days(29),
  days(30),
  days(400),
]

test.each(NARROWED)('where %s has its own time', async (_part, forgery) => {
  const forge = await createForge(FORGE_SEED, FORGE_TIME)
  const { quote, bundle, rootCertificateDer } = forge.make(forgery)
  const collateral = parseCollateral(bundle)
  const verifier = verifierOf(rootCertificateDer)
  const judged = await verifier.judgeCollateral(collateral, FORGE_TIME)
  for (const at of TIMES) {
    const afresh = await verifier.verify(quote, collateral, at)
    const kept = await verifier.verify(quote, judged, at)
    expect(kept.genuine !== undefined, text(at)).toBe(afresh.genuine !== undefined)
  }
})
