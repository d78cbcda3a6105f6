import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { isPublicAddress, resolveEndpoint } from '../../gateway/src/admission/endpoint.ts'
import { createProviderConnection } from '../../gateway/src/admission/provider-connection.ts'
import { serveHttp } from './network/upstream.ts'

const answers = vi.hoisted(() => vi.fn<(host: string, family: 4 | 6) => Promise<string[]>>())
// Nothing but these two questions is asked: there is no `lookup` here.
vi.mock('node:dns/promises', () => ({
  Resolver: class {
    resolve4(host: string): Promise<string[]> {
      return answers(host, 4)
    }
    resolve6(host: string): Promise<string[]> {
      return answers(host, 6)
    }
  },
}))

afterEach(() => answers.mockReset())

/** What name servers say. */
function resolvesTo(...addresses: readonly string[]): void {
  answers.mockImplementation(async (_host, family) =>
    addresses.filter((address) => address.includes(':') === (family === 6)),
  )
}

describe('F5 ssrf_url_table', () => {
  const refused = { code: 'ENDPOINT_REFUSED' }

  test.each([
    'http://8.8.8.8',
    'ftp://8.8.8.8',
    'file:///etc/passwd',
    'ws://8.8.8.8',
    'https://user@8.8.8.8',
    'https://:password@8.8.8.8',
    'https://8.8.8.8/v1',
    'https://8.8.8.8//',
    'https://8.8.8.8/?a=1',
    'https://8.8.8.8/#a',
    '8.8.8.8',
    '//8.8.8.8',
    'https://',
    '',
    'https://127.0.0.1',
    'https://127.1',
    'https://2130706433',
    'http://2130706433',
    'https://0x7f000001',
    'https://0177.0.0.1',
    'https://0.0.0.0',
    'https://10.1.2.3',
    'https://100.64.0.1',
    'https://172.16.0.1',
    'https://172.31.255.255',
    'https://192.168.1.1',
    'https://169.254.169.254',
    'https://2852039166',
    'https://192.0.0.192',
    'https://198.18.0.1',
    'https://224.0.0.1',
    'https://255.255.255.255',
    'https://[::]',
    'https://[::1]',
    'https://[::ffff:127.0.0.1]',
    'https://[::ffff:8.8.8.8]',
    'https://[::127.0.0.1]',
    'https://[64:ff9b::7f00:1]',
    'https://[fc00::1]',
    'https://[fd00:ec2::254]',
    'https://[fe80::1]',
    'https://[ff02::1]',
    'https://[2001::1]',
    'https://[2001:db8::1]',
    'https://[2002:7f00:1::]',
    'https://[3fff::1]',
    'https://localhost',
  ])('%s is refused', async (url) => {
    await expect(resolveEndpoint(url, false)).rejects.toMatchObject(refused)
    expect(answers).not.toHaveBeenCalled()
  })

  test.each(['8.8.8.8', '172.32.0.1', '2606:4700::1111', '2001:4860:4860::8888'])(
    '%s is public',
    (address) => expect(isPublicAddress(address)).toBe(true),
  )

  test('a public name is resolved to an address to dial', async () => {
    resolvesTo('8.8.8.8', '2606:4700::1111')
    expect(await resolveEndpoint('https://node.test:8443', false)).toMatchObject({
      address: '8.8.8.8',
      family: 4,
    })
  })

  test.each([
    ['of a private address', ['10.0.0.1']],
    ['with one private address among public ones', ['8.8.8.8', '169.254.169.254']],
    ['of loopback', ['127.0.0.1', '::1']],
    ['of a mapped address', ['::ffff:10.0.0.1']],
    ['of nothing', []],
  ])('a name %s is refused', async (_case, addresses) => {
    resolvesTo(...addresses)
    await expect(resolveEndpoint('https://node.test', false)).rejects.toMatchObject(refused)
  })

  test('a name that cannot be looked up is refused', async () => {
    answers.mockRejectedValue(new Error('ENOTFOUND'))
    await expect(resolveEndpoint('https://node.test', false)).rejects.toMatchObject(refused)
  })
})

describe('F5 loopback only with the switch', () => {
  test.each([['127.0.0.1'], ['::1'], ['127.0.0.1', '::1']])(
    '%s, plain HTTP too',
    async (...all) => {
      resolvesTo(...all)
      const resolved = await resolveEndpoint('http://node.test:1', true)
      expect(resolved.address).toBe(all[0])
    },
  )

  test.each([
    ['http://node.test', ['8.8.8.8']],
    ['http://node.test', ['127.0.0.1', '8.8.8.8']],
    ['https://node.test', ['10.0.0.1']],
    ['https://node.test', ['127.0.0.1', '10.0.0.1']],
    ['https://node.test', ['169.254.169.254']],
    ['ftp://node.test', ['127.0.0.1']],
    ['http://node.test/path', ['127.0.0.1']],
    ['http://user@node.test', ['127.0.0.1']],
  ])('the switch opens nothing else: %s at %s', async (url, addresses) => {
    resolvesTo(...addresses)
    await expect(resolveEndpoint(url, true)).rejects.toMatchObject({ code: 'ENDPOINT_REFUSED' })
  })

  test('without it nothing is dialled', async () => {
    let hits = 0
    const origin = await serveHttp((_request, response) => {
      hits++
      response.end()
    })
    resolvesTo('127.0.0.1')
    const request = { method: 'GET', path: '/', headers: {}, signal: new AbortController().signal }
    await expect(
      createProviderConnection(false).send(origin, { ...request, method: 'GET' }),
    ).rejects.toMatchObject({ code: 'ENDPOINT_REFUSED' })
    expect(hits).toBe(0)
  })
})

test('F2 the address that was checked is dialled, though the name changes meanwhile', async () => {
  const origin = await serveHttp((request, response) => response.end(request.headers.host))
  const { port } = new URL(origin)
  answers.mockResolvedValueOnce(['127.0.0.1']).mockResolvedValueOnce([])
  answers.mockResolvedValue(['203.0.113.1'])
  const { body } = await createProviderConnection(true).send(`http://rebind.test:${port}`, {
    method: 'GET',
    path: '/',
    headers: {},
    signal: AbortSignal.timeout(10_000),
  })
  expect(await text(body)).toBe(`rebind.test:${port}`)
  expect(answers).toHaveBeenCalledTimes(2)
})
