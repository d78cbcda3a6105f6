import { expect, test } from 'vitest'
import {
  parseCollateral,
  QuoteVerifier,
  simulatedTrustAnchor,
  type QuoteCollateral,
} from '@jeju/verifier'
import { AT, machine } from '../evidence/fixture.ts'

test('B11 every_error_refuses: what only looks like collateral is refused with a code', async () => {
  const { platform, td } = await machine()
  const verifier = new QuoteVerifier(simulatedTrustAnchor('tests', platform.rootCertificateDer))
  const quote = await td.quote(new Uint8Array(64))
  const collateral = parseCollateral(await platform.collateralJson(AT))
  const judged = await verifier.judgeCollateral(collateral, AT)
  const lookAlikes: readonly unknown[] = [
    null,
    {},
    'text',
    { ...judged },
    { ...collateral, tcbInfo: undefined },
    { ...collateral, pckCrl: 'aa' },
  ]
  for (const lookAlike of lookAlikes) {
    await expect(verifier.verify(quote, lookAlike as QuoteCollateral, AT)).rejects.toMatchObject({
      code: 'COLLATERAL_INVALID',
    })
  }
  // Nothing of it stays: the same verifier still judges the real one.
  expect((await verifier.verify(quote, judged, AT)).genuine).toBeDefined()
})
