import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RegistrationFileError } from '@jeju/contracts'
import { launchTd } from '@jeju/simulator'
import { utf8 } from '@jeju/verifier/protocol'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readExplorerFiles, type ExplorerFile } from '../../gateway/src/explorer/explorer-files.ts'
import { haveChromium, openUrl } from '../chromium.ts'
import { file as receiptFile } from '../verifier/protocol/receipt-file.ts'
import { answer, honest } from './network/test-connection.ts'
import { codeOf, platform, TestNetwork } from './network/test-network.ts'

let files: ReadonlyMap<string, ExplorerFile>
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'explorer-'))
  const configFile = fileURLToPath(
    new URL('../../gateway/explorer/vite.config.ts', import.meta.url),
  )
  await build({ configFile, build: { outDir: folder } })
  files = await readExplorerFiles(folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** An honest provider, one whose compose file the policy does not list, and one that answers nothing. */
async function networkOfThree(): Promise<TestNetwork> {
  const network = new TestNetwork({ explorerFiles: files })
  network.add({ agentId: 0n })
  const td = launchTd(platform, {
    appCompose: utf8('{"docker_compose_file":"services: {spy: {}}"}'),
  })
  network.add({ agentId: 1n, td })
  network.add({ agentId: 2n }, () => () => answer([utf8('busy')], {}, 503))
  await network.update()
  return network
}

describe('what the gateway serves', () => {
  test('files with a policy of content that lets nothing in and nothing out', async () => {
    const network = await networkOfThree()
    const page = await network.request('/explorer/')
    expect(page.status).toBe(200)
    const policy = page.headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    // No address of another host in what is sent.
    for (const [name, { bytes }] of files) {
      if (name.endsWith('.html')) expect(Buffer.from(bytes).toString()).not.toMatch(/https?:/)
    }
    for (const path of [
      '/explorer/nothing.js',
      '/explorer/../package.json',
      '/explorer/%2e%2e/x',
    ]) {
      expect((await network.request(path)).status).toBe(404)
    }
  })

  test('an explorer that is not built is said so', async () => {
    const response = await new TestNetwork().request('/explorer/')
    expect([response.status, await codeOf(response)]).toEqual([404, 'not_found'])
  })

  test.each([
    '',
    '?fmspc=00&ca=platform',
    `?fmspc=${'0'.repeat(12)}&ca=root`,
    '?fmspc=ABCDEF012345',
  ])('collateral of %j is refused', async (query) => {
    const response = await new TestNetwork().request(`/explorer/collateral${query}`)
    expect([response.status, await codeOf(response)]).toEqual([400, 'invalid_request'])
  })

  test.each(['', '?request=', '?request=%', `?request=${'A'.repeat(300)}`])(
    'a question about certificates of %j is refused, and one that nobody answers is said so',
    async (query) => {
      const network = new TestNetwork()
      const refused = await network.request(`/explorer/ocsp${query}`)
      expect([refused.status, await codeOf(refused)]).toEqual([400, 'invalid_request'])
      const unanswered = await network.request('/explorer/ocsp?request=MAA')
      expect(await codeOf(unanswered)).toBe('collateral_unavailable')
    },
  )
})

describe.runIf(haveChromium)('in a browser', () => {
  test('the visitor’s own browser verifies one node, refuses a tampered one, proves nothing of a silent one', async () => {
    const network = await networkOfThree()
    const { page, errors, close } = await openUrl(`${await network.origin()}/explorer/`)
    try {
      await page.getByRole('link', { name: 'agent 0' }).click()
      await page.locator('[data-verdict=verified]').waitFor()
      // What a simulated root vouches for does not look like what hardware does.
      expect(await page.locator('.verdict').getAttribute('class')).toBe('verdict simulated')
      expect(await page.locator('.check.failed').count()).toBe(0)
      expect(await page.locator('[data-check=freshness].passed').count()).toBe(1)
      expect(await page.locator('.warning').innerText()).toContain('Simulated trust root')

      await page.goto(`${await network.origin()}/explorer/#/providers/1`)
      const verdict = page.locator('[data-verdict=refused]')
      await verdict.waitFor()
      expect(await verdict.innerText()).toContain('compose-allowed')
      const failed = page.locator('[data-check=compose-allowed].failed')
      expect(await failed.locator('.expected').innerText()).not.toBe('')
      expect(await failed.locator('.actual').innerText()).toMatch(/[0-9a-f]{64}/)
      expect(errors).toEqual([])

      await page.goto(`${await network.origin()}/explorer/#/providers/2`)
      await page.locator('[data-verdict=unproven]').waitFor()
      expect(await page.locator('.check').count()).toBe(0)
    } finally {
      await close()
    }
  })

  test('F22 what a provider says of itself is shown as its word, and as text', async () => {
    const network = new TestNetwork({ explorerFiles: files })
    network.add({ agentId: 0n })
    network.add({ agentId: 1n })
    network.chain.registrations.set(0n, { name: '<img src=x onerror=alert(1)>', description: 'd' })
    network.chain.registrations.set(1n, new RegistrationFileError('type: expected a, got "b"'))
    await network.update()
    const { page, errors, close } = await openUrl(
      `${await network.origin()}/explorer/#/providers/0`,
    )
    try {
      const claims = page.locator('dl').first()
      await claims.waitFor()
      expect(await claims.innerText()).toContain('<img src=x onerror=alert(1)> · d')
      await page.goto(`${await network.origin()}/explorer/#/providers/1`)
      await page.getByText('not taken: type: expected a').waitFor()
      expect(errors).toEqual([])
    } finally {
      await close()
    }
  })

  test('F1 gateway_lies_about_verdict, B10 remote_verdict_not_trusted: evidence that a gateway passes off as another’s is refused here', async () => {
    const network = new TestNetwork({ explorerFiles: files })
    const node = network.add({ agentId: 0n })
    network.add({ agentId: 1n }, () => honest(node))
    await network.update()
    const { page, close } = await openUrl(`${await network.origin()}/explorer/#/providers/1`)
    try {
      const verdict = page.locator('[data-verdict=refused]')
      await verdict.waitFor()
      expect(await verdict.innerText()).toContain('statement-identity')
    } finally {
      await close()
    }
  })

  test('a receipt is judged in the page, a changed one is refused, and nothing is sent', async () => {
    const network = await networkOfThree()
    const { page, errors, close } = await openUrl(`${await network.origin()}/explorer/#/receipt`)
    try {
      const box = page.getByLabel('Receipt file', { exact: true })
      await box.waitFor()
      const sent: string[] = []
      page.on('request', (request) => sent.push(request.url()))
      await box.fill(JSON.stringify(receiptFile))
      await page.locator('[data-verdict=verified]').waitFor()
      await box.fill(
        JSON.stringify({ ...receiptFile, answer: { ...receiptFile.answer, text: '{}' } }),
      )
      await page.locator('[data-verdict=refused]').waitFor()
      expect(await page.locator('[data-check=receipt-response].failed').count()).toBe(1)
      await box.fill('{"v":1,"v":1}')
      await page.locator('[data-verdict=unreadable]').waitFor()
      expect([sent, errors]).toEqual([[], []])
    } finally {
      await close()
    }
  })

  test('with a keyboard alone, and on a narrow screen in the dark', async () => {
    const network = await networkOfThree()
    const { page, close } = await openUrl(`${await network.origin()}/explorer/`, {
      viewport: { width: 360, height: 640 },
      colorScheme: 'dark',
    })
    try {
      await page.getByRole('link', { name: 'agent 1' }).waitFor()
      const focused = (): Promise<string> =>
        page.evaluate(() => document.activeElement?.textContent?.trim() ?? '')
      const visited: string[] = []
      for (let presses = 0; presses < 12 && !visited.includes('agent 1'); presses++) {
        await page.keyboard.press('Tab')
        visited.push(await focused())
      }
      expect(visited[0]).toBe('To the content')
      await page.keyboard.press('Enter')
      await page.locator('[data-verdict=refused]').waitFor()
      const overflow = (): Promise<number> =>
        page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        )
      expect(await overflow()).toBe(0)
      await page.goto(`${await network.origin()}/explorer/#/receipt`)
      const box = page.getByLabel('Receipt file', { exact: true })
      await box.waitFor()
      expect(await overflow()).toBe(0)
      await box.fill(JSON.stringify(receiptFile))
      await page.locator('[data-verdict=verified]').waitFor()
      for (const check of await page.locator('.check summary').all()) await check.click()
      expect(await overflow()).toBe(0)
    } finally {
      await close()
    }
  })
})
