import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSimulatedPlatform, launchTd, strippedLog } from '@jeju/simulator'
import type { GpuLies } from '@jeju/simulator/gpu'
import { encodeGpuEvidence, toBareHex, utf8 } from '@jeju/verifier/protocol'
import { bundleForBrowser } from '../../browser-bundle.ts'
import { bundleOf, comparable, matrixRows, recordedQuotes } from '../tdx/recorded.ts'
import { haveVectors, vectorBytes } from '../vectors.ts'
import { haveChromium, openPage, type OpenPage } from '../../chromium.ts'
import { takesAnyGpu } from '../../gpu-policy.ts'
import { gpusOf, nonce } from '../gpu/fixture.ts'
import type { PageCase, PageGpuCase, PageOutcome } from './page.ts'

const AT = new Date('2029-02-20T00:00:00Z')
/** First byte of `report_data` in a version 4 quote: header, then 520 bytes of the TD report. */
const REPORT_DATA = 48 + 520

describe.runIf(haveChromium)('in Chromium, with Web Crypto and no Node', () => {
  let opened: OpenPage

  const judgeInPage = (given: PageCase): Promise<PageOutcome> =>
    opened.page.evaluate((input) => globalThis.judgeCase(input), given)

  beforeAll(async () => {
    const bundle = await bundleForBrowser(fileURLToPath(new URL('page.ts', import.meta.url)))
    expect(bundle.foreign).toEqual([])
    opened = await openPage(bundle.code)
  })

  afterAll(async () => {
    await opened?.close()
  })

  test('a simulated quote is genuine, its log replays, and one flipped byte is found', async () => {
    const platform = await createSimulatedPlatform({ at: AT, seed: 'chromium' })
    const td = launchTd(platform, { appCompose: utf8('{"name":"a"}') })
    const quote = await td.quote(new Uint8Array(64).fill(9))
    const rest = {
      bundle: await platform.collateralJson(AT),
      simulatedRoot: toBareHex(platform.rootCertificateDer),
      at: AT.getTime(),
    }
    const genuine = await judgeInPage({ ...rest, quote: toBareHex(quote) })
    expect(genuine).toMatchObject({ found: { verdict: 'accept', status: 'UpToDate' }, failed: [] })

    const flipped = quote.slice()
    flipped[REPORT_DATA] = 8
    expect(await judgeInPage({ ...rest, quote: toBareHex(flipped) })).toEqual({
      found: { verdict: 'reject' },
      failed: ['quote-signature'],
    })

    const log = JSON.stringify(strippedLog(td.events()))
    const { rtmr2, rtmr3 } = td.measurements
    const replay = (register: string): Promise<string> =>
      opened.page.evaluate(([text, wanted]) => globalThis.replayLog(text, wanted), [
        log,
        register.slice(2),
      ] as const)
    expect([await replay(rtmr3), await replay(rtmr2)]).toEqual(['passed', 'failed'])
    expect(opened.errors).toEqual([])
  })

  test('a simulated GPU is verified, and one changed measurement is found', async () => {
    const gpus = gpusOf()
    const given = (lies: GpuLies = {}): PageGpuCase => ({
      evidence: toBareHex(encodeGpuEvidence(gpus.evidence(nonce, lies))),
      deviceRoot: toBareHex(gpus.roots.deviceRoot),
      rimRoot: toBareHex(gpus.roots.rimRoot),
      nonce: toBareHex(nonce),
      policy: takesAnyGpu,
      at: AT.getTime(),
    })
    const judgeGpu = (input: PageGpuCase): Promise<readonly string[]> =>
      opened.page.evaluate((one) => globalThis.judgeGpu(one), input)
    expect(await judgeGpu(given())).toEqual([])
    const content: GpuLies['content'] = (honest) => ({
      ...honest,
      measurements: honest.measurements.map(() => new Uint8Array(48)),
    })
    expect(await judgeGpu(given({ content }))).toEqual(['gpu-measurements'])
    expect(opened.errors).toEqual([])
  })

  test.runIf(haveVectors)(
    'ten recorded rows have the verdict of the library of Intel',
    async () => {
      const files = new Map(recordedQuotes().map(({ id, file }) => [id, file] as const))
      const rows = matrixRows()
      const every = Math.floor(rows.length / 10)
      const ten = rows.filter((_, index) => index % every === 0).slice(0, 10)
      expect(ten).toHaveLength(10)
      expect(new Set(ten.map(({ expect: wanted }) => wanted.verdict)).size).toBe(2)
      for (const row of ten) {
        const { found } = await judgeInPage({
          quote: toBareHex(vectorBytes('tdx', files.get(row.quote) ?? '')),
          bundle: bundleOf(row),
          at: row.now * 1000,
        })
        expect(found, row.id).toMatchObject(comparable(row.expect))
      }
      expect(opened.errors).toEqual([])
    },
  )
})
