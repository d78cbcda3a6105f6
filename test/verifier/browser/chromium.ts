import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium, type Page } from 'playwright-core'

/** Where Debian's package puts it. */
const CHROMIUM = '/usr/bin/chromium'

/** Whether there is a browser to test in. */
export const haveChromium: boolean = existsSync(CHROMIUM)

if (!haveChromium) {
  console.warn(
    'NO CHROMIUM: the verifier is not tested in a browser; install the Debian package "chromium".',
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
  const opened = await openAt(`http://127.0.0.1:${port}/`)
  return {
    ...opened,
    close: async () => {
      await opened.close()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Opens an address in a browser of its own. */
export async function openAt(url: string): Promise<OpenPage> {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS })
  const page = await browser.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (line) => {
    if (line.type() === 'error') errors.push(line.text())
  })
  await page.goto(url)
  return { page, errors, close: () => browser.close() }
}
