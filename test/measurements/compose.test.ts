import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { getComposeHash } from '@phala/dstack-sdk/get-compose-hash'
import { lintCompose } from '@jeju/verifier/compose-lint'
import { describe, expect, test } from 'vitest'
import { composeHash, PLATFORMS } from '../../measurements/src/compose/app-compose.ts'
import { fillComposeText } from '../../measurements/src/compose/compose-text.ts'
import {
  COMPOSE_FILES,
  HOST_SETTINGS,
  LINT_OPTIONS,
  nodeAppCompose,
  type NodeComposeFacts,
} from '../../measurements/src/compose/node-compose.ts'
import { parseConfig } from '@jeju/enclave'
import { NODE_PORT } from '../../measurements/src/image/image-config.ts'
import { releasePolicy } from '../../measurements/src/release/release-policy.ts'
import { readRelease } from '../../measurements/src/release/release-files.ts'
import { root } from '../../measurements/src/root.ts'
import { appraiseCompose } from '../../verifier/src/dstack/compose/appraise-compose.ts'
import { deployment } from './deployment.ts'

const FACTS: NodeComposeFacts = {
  image: `ghcr.io/test/node@sha256:${'ab'.repeat(32)}`,
  network: { rpcUrl: 'https://rpc.test', deployment, archive: 'arweave' },
  model: { name: 'tiny', sha256: `0x${'cd'.repeat(32)}` },
  platform: 'bare-metal',
}
/** The file with a server beside the node also says which template that is started with. */
const factsOf = (file: NodeComposeFacts['file']): NodeComposeFacts =>
  file === 'app-compose.vllm.yaml'
    ? { ...FACTS, file, model: { ...FACTS.model, chatTemplateSha256: `0x${'ef'.repeat(32)}` } }
    : { ...FACTS, file: 'app-compose.yaml' }
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

test('E5 the node beside vLLM asks vLLM, and never states its own model for it', async () => {
  const file = 'app-compose.vllm.yaml'
  const { docker_compose_file: compose } = JSON.parse(
    text(await nodeAppCompose(factsOf(file))),
  ) as { readonly docker_compose_file: string }
  const ofNode = compose.slice(0, compose.indexOf('\n  vllm:'))
  const settings = [...ofNode.matchAll(/^ {6}([A-Z0-9_]+): '?([^'\n]*)'?$/gm)]
  const environment = Object.fromEntries(settings.map(([, name = '', value = '']) => [name, value]))
  expect(environment).toMatchObject({ ENGINE: 'upstream', UPSTREAM_KIND: 'vllm' })
  const port = /--port=([0-9]+)$/m.exec(compose)?.[1]
  expect(environment['UPSTREAM_URL']).toBe(`http://vllm:${port}`)
  expect(compose).toContain(`- --max-model-len=${environment['UPSTREAM_CONTEXT_TOKENS']}\n`)
  const config = parseConfig({
    ...environment,
    AGENT_ID: '0',
    SERVICE_ID: '0',
    PUBLIC_URL: 'https://node.test',
  })
  expect(config.upstream).toMatchObject({ model: 'tiny', prefixCache: 'salted' })
  await expect(nodeAppCompose({ ...FACTS, file })).rejects.toThrow('CHAT_TEMPLATE_SHA256')
})

test('the port of the image is the one that compose files publish and the health check asks', async () => {
  for (const file of COMPOSE_FILES) {
    expect(await readFile(join(root, file), 'utf8')).toContain(`PORT: '${NODE_PORT}'`)
  }
  expect(LINT_OPTIONS.ports).toEqual([`${NODE_PORT}:${NODE_PORT}`])
  expect(await readFile(join(root, 'Dockerfile'), 'utf8')).toContain(`EXPOSE ${NODE_PORT}\n`)
  const check = await readFile(join(root, 'enclave/src/healthcheck.ts'), 'utf8')
  expect(check).toContain(`process.env['PORT'] ?? '${NODE_PORT}'`)
})

describe.each(COMPOSE_FILES)('%s', (file) => {
  test.each(PLATFORMS)(
    'on %s: no finding, and the SDK’s hash is the measured one',
    async (platform) => {
      const bytes = await nodeAppCompose({ ...factsOf(file), platform })
      expect(lintCompose(bytes, LINT_OPTIONS)).toEqual([])
      const parsed = JSON.parse(text(bytes)) as { readonly runner: string }
      expect(`0x${getComposeHash(parsed)}`).toBe(composeHash(bytes))
      expect(Object.keys(parsed)).toEqual(Object.keys(parsed).toSorted())
      expect(parsed).toMatchObject({
        public_logs: false,
        public_sysinfo: false,
        kms_enabled: true,
        gateway_enabled: platform === 'phala-cloud',
        allowed_envs: [...HOST_SETTINGS],
      })
    },
  )

  test('A6 compose_env_in_image_rejected: the host fills in nothing but its three settings', async () => {
    const source = await readFile(join(root, file), 'utf8')
    const substituted = [...source.matchAll(/^ +([A-Z_]+): \$\{([A-Z_]+)\}$/gm)]
    expect(substituted.map(([, name = '']) => name).toSorted()).toEqual([...HOST_SETTINGS])
    for (const [, name, value] of substituted) expect(value).toBe(name)
    expect(source.match(/\$/g)).toHaveLength(HOST_SETTINGS.length)
    expect(source.match(/dstack\.sock:/g)).toHaveLength(1)
    await expect(nodeAppCompose({ ...factsOf(file), image: '${IMAGE}' })).rejects.toThrow(
      'NODE_IMAGE',
    )
    await expect(nodeAppCompose({ ...factsOf(file), image: 'node:latest' })).rejects.toThrow(
      'image',
    )
  })

  test('hardening', async () => {
    const source = await readFile(join(root, file), 'utf8')
    const services = (source.match(/^ {4}image:/gm) ?? []).length
    expect(source.match(/cap_drop: \[ALL\]/g)).toHaveLength(services)
    expect(source.match(/no-new-privileges:true/g)).toHaveLength(services)
    expect(source).toMatch(/read_only: true/)
    expect(source).toMatch(/user: '10001:10001'/)
  })
})

describe('holes', () => {
  test('each is filled once with one YAML string, or refused', () => {
    expect(fillComposeText("a: '{{A}}'", { A: 'x"y' })).toBe(`a: 'x"y'`)
    expect(() => fillComposeText("a: '{{A}}'", {})).toThrow('A: no value')
    expect(() => fillComposeText('a', { A: '' })).toThrow('A: no such hole')
    for (const value of ["'", '$', '\\', '\n', 'ü', '\u0000']) {
      expect(() => fillComposeText("a: '{{A}}'", { A: value }), value).toThrow('A: a character')
    }
  })
})

describe('a changed image', () => {
  test('A6 A10 F20 uncorroborated_image_digest_rejected: is another compose hash, which the published policy refuses', async () => {
    const release = await readRelease()
    const policy = releasePolicy(release)
    for (const { file, composeHash: recorded } of release.composes) {
      const bytes = new Uint8Array(await readFile(join(root, 'measurements', file)))
      expect(composeHash(bytes)).toBe(recorded)
      expect(appraiseCompose(bytes, policy)).toMatchObject({ outcome: 'exact' })
      const digest = release.images[0]?.digest ?? ''
      expect(text(bytes)).toContain(digest)
      const other = text(bytes).replace(digest, `sha256:${'00'.repeat(32)}`)
      expect(appraiseCompose(new TextEncoder().encode(other), policy)).toMatchObject({
        outcome: 'refused',
      })
    }
  })
})
