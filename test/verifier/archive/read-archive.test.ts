import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import {
  ArchiveError,
  arweaveId,
  arweaveLocator,
  digestInLocator,
  digestLocator,
  readArweave,
} from '@jeju/verifier/archive'
import { sha256, toHex, utf8 } from '@jeju/verifier/protocol'

// S1, S5: whoever keeps content is not believed.

const content = utf8('evidence of a node that is gone')
const digest = toHex(sha256(content))
const locator = arweaveLocator(sha256(utf8('signature')))
const closing: (() => void)[] = []

afterEach(() => {
  for (const close of closing.splice(0)) close()
})

async function gateway(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const good = (): Promise<string> => gateway((_, response) => void response.end(content))
const missing = (): Promise<string> => gateway((_, response) => void response.writeHead(404).end())
const lying = (): Promise<string> => gateway((_, response) => void response.end('other bytes'))
const endless = (): Promise<string> =>
  gateway((_, response) => void response.end(Buffer.alloc(64 * 1024)))
const silent = (): Promise<string> => gateway(() => undefined)
const redirecting = async (): Promise<string> => {
  const target = await good()
  return gateway(
    ({ url }, response) => void response.writeHead(302, { location: `${target}${url}` }).end(),
  )
}

async function outcome(gateways: readonly string[]): Promise<unknown> {
  try {
    const options = { fetch, gateways, maxBytes: 1024, timeoutMs: 500 }
    return await readArweave(locator, digest, options)
  } catch (error) {
    return error instanceof ArchiveError ? error.code : error
  }
}

describe('readArweave', () => {
  test('asks for the bytes as they were stored', async () => {
    const asked: (string | undefined)[] = []
    const url = await gateway((request, response) => {
      asked.push(request.url)
      response.end(content)
    })
    expect(await outcome([url])).toEqual(content)
    expect(asked).toEqual([`/raw/${locator.slice(3)}`])
  })

  test.each([
    ['archive_returning_other_bytes_rejected', lying, 'ARCHIVE_DIGEST'],
    ['archive_answer_too_long_rejected', endless, 'ARCHIVE_TOO_LARGE'],
    ['archive_that_is_slow_rejected', silent, 'ARCHIVE_UNAVAILABLE'],
    ['archive_redirect_rejected', redirecting, 'ARCHIVE_UNAVAILABLE'],
    ['archive_without_it', missing, 'ARCHIVE_UNAVAILABLE'],
  ] as const)('%s, and the next gateway is asked', async (_, bad, code) => {
    expect(await outcome([await bad()])).toBe(code)
    expect(await outcome([await bad(), await good()])).toEqual(content)
  })

  test('the failure that says most is named', async () => {
    expect(await outcome([await missing(), await lying(), await endless()])).toBe('ARCHIVE_DIGEST')
    expect(await outcome([])).toBe('ARCHIVE_UNAVAILABLE')
  })
})

describe('locators', () => {
  test('say where content is, each in one spelling', () => {
    expect(arweaveId(locator)).toBe(locator.slice(3))
    expect(digestInLocator('file', digestLocator('file', digest))).toBe(digest)
  })

  test.each([
    '',
    'ar:',
    `ar:${'A'.repeat(42)}`,
    `ar:${'A'.repeat(42)}B`,
    `ar:../${'A'.repeat(40)}`,
    `https://${'a'.repeat(40)}`,
    digestLocator('file', digest),
  ])('%j is none on Arweave', (text) => {
    expect(() => arweaveId(text)).toThrow(expect.objectContaining({ code: 'ARCHIVE_LOCATOR' }))
  })

  test.each(['', 'file:', `file:${'A'.repeat(64)}`, digestLocator('memory', digest), locator])(
    '%j names no file',
    (text) => {
      expect(() => digestInLocator('file', text)).toThrow(
        expect.objectContaining({ code: 'ARCHIVE_LOCATOR' }),
      )
    },
  )
})
