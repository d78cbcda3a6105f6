import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { imageConfig, SOURCE_DATE_EPOCH } from '../../measurements/src/image/image-config.ts'
import { root } from '../../measurements/src/root.ts'

const text = await readFile(join(root, 'Dockerfile'), 'utf8')
const { config } = imageConfig({ variant: 'cpu', version: '0', sourceDigest: '' }, []) as {
  readonly config: {
    readonly User: string
    readonly Env: readonly string[]
    readonly Entrypoint: readonly string[]
    readonly WorkingDir: string
    readonly StopSignal: string
    readonly ExposedPorts: object
    readonly Labels: Readonly<Record<string, string>>
    readonly Healthcheck: { readonly Test: readonly string[] }
  }
}

describe('Dockerfile', () => {
  test('every base is pinned by digest, or is nothing', () => {
    const bases = [...text.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base)
    expect(new Set(bases)).toEqual(new Set(['${BUILDER}', 'scratch']))
    expect(text).toMatch(/^ARG BUILDER=\S+@sha256:[0-9a-f]{64}$/m)
  })

  test('packages are the node’s alone, without install scripts', () => {
    expect(text).toContain('npm ci --omit=dev --ignore-scripts -w enclave')
  })

  test('its last stage says what the measured image says', () => {
    const last = text.slice(text.lastIndexOf('\nFROM '))
    const line = (word: string): string =>
      new RegExp(`^ *${word} (.*)$`, 'm').exec(last)?.[1] ?? `no ${word}`
    expect(line('USER')).toBe(config.User)
    expect(line('WORKDIR')).toBe(config.WorkingDir)
    expect(line('STOPSIGNAL')).toBe(config.StopSignal)
    expect([line('ENV')]).toEqual(config.Env)
    expect(JSON.parse(line('ENTRYPOINT'))).toEqual(config.Entrypoint)
    expect(['CMD', ...JSON.parse(line('CMD'))]).toEqual(config.Healthcheck.Test)
    expect(Object.keys(config.ExposedPorts)).toEqual([`${line('EXPOSE')}/tcp`])
    expect(line('ARG SOURCE_DATE_EPOCH=0')).toBeDefined()
    expect(last).toContain(`ARG SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH}`)
    for (const name of ['description', 'licenses', 'title']) {
      const label = `org.opencontainers.image.${name}`
      expect(last).toContain(`${label}="${config.Labels[label]}"`)
    }
  })
})

describe('workflows', () => {
  test.each(['ci.yml', 'release.yml'])(
    '%s: actions by hash, no permission by default',
    async (name) => {
      const workflow = await readFile(join(root, '.github/workflows', name), 'utf8')
      const uses = [...workflow.matchAll(/uses: (\S+)/g)].map(([, action = '']) => action)
      expect(uses.length).toBeGreaterThan(0)
      for (const action of uses) expect(action).toMatch(/@[0-9a-f]{40}$/)
      expect(workflow).toMatch(/^permissions: \{\}$/m)
      expect(workflow).not.toContain('pull_request_target')
      expect(workflow).not.toMatch(/cache: npm/)
    },
  )
})
