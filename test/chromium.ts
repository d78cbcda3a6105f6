import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium, type BrowserContextOptions, type Page } from 'playwright-core'
import { installed } from './servers/installed.ts'

/** Where Debian's package puts it. */
const CHROMIUM = '/usr/bin/chromium'

/** Whether there is a browser to test in. */
export const haveChromium: boolean = installed('chromium', existsSync(CHROMIUM))

if (!haveChromium) {
  console.warn(
    'NO CHROMIUM: verifier and explorer are not tested in a browser; install the Debian package "chromium".',
  )
}

/** Without these, the browser asks hosts of its vendor at every start. */
const ARGUMENTS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A page in a headless browser, on a loopback origin. */
export interface OpenPage {
  readonly page: Page
  /** What the page threw, or wrote to its console as an error. */
  readonly errors: readonly string[]
  close(): Promise<void>
}

/** Opens an address. What the page throws, or its policy of content forbids, is kept. */
export async function openUrl(url: string, options: BrowserContextOptions = {}): Promise<OpenPage> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS })
  const page = await browser.newPage(options)
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (line) => {
    if (line.type() === 'error') errors.push(line.text())
  })
  await page.goto(url)
  return { page, errors, close: () => browser.close() }
}

/** Serves a script and opens a page that has nothing else: it may neither connect anywhere nor evaluate text. */
export async function openPage(script: string): Promise<OpenPage> {
  const server = createServer(({ url }, response) => {
    const isScript = url === '/page.js'
    response
      .setHeader('content-type', `text/${isScript ? 'javascript' : 'html'}; charset=utf-8`)
      .setHeader('content-security-policy', "default-src 'none'; script-src 'self'")
      .end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const { page, errors, close } = await openUrl(`http://127.0.0.1:${port}/`)
  return {
    page,
    errors,
    close: async () => {
      await close()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
