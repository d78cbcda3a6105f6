import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { toBareHex } from '@jeju/verifier/protocol'
import { EHBP_X25519, X_WING } from '@jeju/verifier/sealing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundleForBrowser, type BrowserBundle } from '../../browser-bundle.ts'
import { policyOf } from '../../simulated-trust.ts'
import { haveChromium, openUrl, type OpenPage } from '../../chromium.ts'
import { chat, Market, platform, PROMPT } from '../market/market.ts'
import { USER } from '../market/test-chain.ts'
import { ANSWER_TEXT } from '../market/test-node.ts'
import { decode, encode } from './bridge.ts'
import type { PageAnswer, PageSetting } from './page.ts'

const HEADERS = {
  // The page may load its own scripts and speak to its own origin, where the gateway is.
  'content-security-policy': "default-src 'none'; script-src 'self'; connect-src 'self'",
}

/** The page, its scripts and a gateway on one origin. */
async function serve({ files }: BrowserBundle, market: Market): Promise<Server> {
  const [entry = ''] = files.keys()
  const page = `<!doctype html><script type="module" src="/${entry}"></script>`
  const server = createServer((request, response) => {
    const { url = '', method = '' } = request
    const script = files.get(url.slice(1))
    if (url === '/')
      return response.writeHead(200, { 'content-type': 'text/html', ...HEADERS }).end(page)
    if (script !== undefined) {
      return response.writeHead(200, { 'content-type': 'text/javascript', ...HEADERS }).end(script)
    }
    const headers = new Headers()
    for (const [name, value] of Object.entries(request.headers)) headers.set(name, String(value))
    return void buffer(request).then(async (body) => {
      const asked = { method, path: url, headers, body: new Uint8Array(body) }
      const answer = await market.gateway.answer(asked)
      response.writeHead(answer.status, answer.headers)
      for (const chunk of answer.chunks) response.write(chunk)
      response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

describe.runIf(haveChromium)('in Chromium, with Web Crypto, IndexedDB and no Node', () => {
  const market = new Market([{ sealing: [EHBP_X25519, X_WING] }])
  let server: Server
  let opened: OpenPage
  let setting: PageSetting

  const ask = (members = {}): Promise<PageAnswer> =>
    opened.page.evaluate((body) => globalThis.ask(body), chat(members).body)

  const connect = async (): Promise<void> => {
    const { port } = server.address() as AddressInfo
    opened = await openUrl(`http://127.0.0.1:${port}/`)
    await opened.page.exposeFunction('contracts', async (name: string, args: string) => {
      const call: unknown = Reflect.get(market.chain, name)
      if (typeof call !== 'function') throw new Error(`no contract call ${name}`)
      return encode(await Reflect.apply(call, market.chain, decode(args) as unknown[]))
    })
    await opened.page.evaluate((given) => globalThis.connect(given), setting)
  }

  beforeAll(async () => {
    const entry = fileURLToPath(new URL('page.ts', import.meta.url))
    server = await serve(await bundleForBrowser(entry), market)
    setting = {
      policy: policyOf(market.nodes[0].td),
      root: toBareHex(platform.rootCertificateDer),
      collateral: await platform.collateralJson(new Date()),
      account: USER,
    }
    await connect()
  })

  afterAll(async () => {
    await opened?.close()
    server?.close()
  })

  test('a provider is verified, a prompt sealed and paid, and its answer verified', async () => {
    const { text, code } = await ask()
    expect(code).toBeNull()
    expect(text).toContain(ANSWER_TEXT)
    const streamed = await ask({ stream: true })
    expect(streamed.text).toMatch(/data: \[DONE\]\n\n$/)
    expect(market.chain.openings).toHaveLength(1)
    for (const { body } of market.gateway.chats) {
      expect(new TextDecoder().decode(body)).not.toContain(PROMPT)
    }
    expect(opened.errors).toEqual([])
  })

  test('receipts are kept in IndexedDB and verify again', async () => {
    expect(await opened.page.evaluate(() => globalThis.verifyKept())).toEqual([
      'verified',
      'verified',
    ])
  })

  test('T2 sdk_refuses_unverified: an answer that was changed, and a provider that is another', async () => {
    market.gateway.changeAnswer = (answer) => ({ ...answer, chunks: answer.chunks.slice(0, -1) })
    expect(await ask()).toMatchObject({
      code: 'NOT_VERIFIED',
      failedChecks: ['receipt-response', 'receipt-usage'],
    })
    market.gateway.changeAnswer = (answer) => answer
    market.gateway.changeEvidence = () => new Uint8Array(3)
    expect(await ask()).toMatchObject({ code: 'NOT_VERIFIED', failedChecks: ['evidence-readable'] })
    market.gateway.changeEvidence = (evidence) => evidence
  })

  test('a page that is loaded again goes on with its channel, and ends it', async () => {
    await opened.page.reload()
    await opened.page.evaluate((given) => globalThis.connect(given), setting)
    expect((await ask()).code).toBeNull()
    expect(market.chain.openings).toHaveLength(1)
    expect(await opened.page.evaluate(() => globalThis.closeAll())).toEqual(['closing'])
    expect((await ask()).code).toBe('CLIENT_CLOSED')
    market.chain.passTime(25 * 3600)
    expect(await opened.page.evaluate(() => globalThis.closeAll())).toEqual(['refunded'])
    expect(opened.errors).toEqual([])
  })
})
