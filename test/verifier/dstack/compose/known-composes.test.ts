import { describe, expect, test } from 'vitest'
import { lintCompose, type LintOptions } from '@jeju/verifier/compose-lint'
import { HOST_SETTINGS } from '@jeju/enclave'
import { appCompose } from '../../../../demo/network/compose.ts'
import { haveVectors, vectorBytes } from '../../vectors.ts'

const OPTIONS: LintOptions = { allowedEnvs: [], ports: [], scripts: [] }

test('the compose file of the demo has no finding, its settings of the host accepted', () => {
  const file = appCompose('ab'.repeat(32), { MODEL: 'tiny "quoted" $5', CHAIN_ID: '31337' })
  expect(lintCompose(file, { ...OPTIONS, allowedEnvs: HOST_SETTINGS })).toEqual([])
  expect(new Set(lintCompose(file, OPTIONS).map(({ rule }) => rule))).toEqual(
    new Set(['allowed-env']),
  )
})

test('A6 the same file with a service more', () => {
  const sidecar = '  sidecar:\n    image: sidecar:latest\n    privileged: true\n'
  const text = new TextDecoder()
    .decode(appCompose('ab'.repeat(32), {}))
    .replace(
      'volumes:\\n  node-data',
      `${JSON.stringify(sidecar).slice(1, -1)}volumes:\\n  node-data`,
    )
  const found = lintCompose(new TextEncoder().encode(text), {
    ...OPTIONS,
    allowedEnvs: HOST_SETTINGS,
  })
  expect(found.map(({ rule }) => rule)).toEqual(['image', 'privileged'])
})

describe.runIf(haveVectors)('recorded composes, insecure on purpose', () => {
  const rules = (...path: readonly string[]): readonly string[] => [
    ...new Set(lintCompose(vectorBytes('dstack', ...path), OPTIONS).map(({ rule }) => rule)),
  ]

  test('A6 a privileged notebook with the guest’s file system', () => {
    expect(rules('dstack-examples', 'rtmr3-based', 'app-compose.json').toSorted()).toEqual([
      'image',
      'key',
      'member',
      'mount',
      'port',
      'privileged',
      'public-logs',
      'public-sysinfo',
    ])
  })

  test('A6 the simulator’s, with a script that opens the guest', () => {
    expect(rules('dstack-next', 'simulator', 'app-compose.json').toSorted()).toEqual([
      'image',
      'key',
      'mount',
      'port',
      'public-logs',
      'public-sysinfo',
      'script',
    ])
  })
})
