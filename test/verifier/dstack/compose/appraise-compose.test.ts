import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sha256, toHex, utf8 } from '@jeju/verifier/protocol'
import {
  appraiseCompose,
  checkComposeRules,
} from '../../../../verifier/src/dstack/compose/appraise-compose.ts'
import { parseComposeTemplate } from '../../../../verifier/src/dstack/compose/template.ts'
import { APP_COMPOSE, appCompose, COMPOSE_TEXT } from './compose-fixture.ts'

const NONE = { composeHashes: [], composeTemplates: [] }
const file = appCompose()
const hash = toHex(sha256(file))
/** The file with the name free: the text of a template is the text of the file. */
const template = parseComposeTemplate(
  {
    name: 'release 1',
    text: new TextDecoder().decode(appCompose({ name: '{{NAME}}' })),
    holes: { NAME: { kind: 'name', maxLength: 16 } },
  },
  'template',
)
const rules = { composeHashes: [], composeTemplates: [template] }

describe('compose-allowed', () => {
  test('A5 empty_allowlist_refuses_all', () => {
    expect(checkComposeRules(file, NONE)).toMatchObject({ status: 'failed', actual: hash })
  })

  test('by hash, of exactly these bytes', () => {
    const listed = { ...NONE, composeHashes: [hash] }
    expect(appraiseCompose(file, listed)).toEqual({ outcome: 'exact', composeHash: hash })
    const spaced = utf8(JSON.stringify(APP_COMPOSE, null, 1))
    expect(checkComposeRules(spaced, listed).status).toBe('failed')
  })

  test('by template, and the report says what stands in the holes', () => {
    expect(checkComposeRules(appCompose({ name: 'another' }), rules)).toMatchObject({
      status: 'passed',
      evidence: { outcome: 'template', template: 'release 1', values: { NAME: 'another' } },
    })
  })

  test.each([
    [
      'A6 compose_privileged_rejected',
      COMPOSE_TEXT.replace('    user:', '    privileged: true\n    user:'),
    ],
    [
      'A6 compose_unpinned_sidecar_rejected',
      COMPOSE_TEXT.replace(/sidecar:1.2@\S+/, 'sidecar:1.2'),
    ],
    ['A6 compose_env_in_image_rejected', COMPOSE_TEXT.replace('registry.example', '${REGISTRY}')],
    ['a comment', `${COMPOSE_TEXT}# nothing\n`],
  ])('%s', (_, text) => {
    const check = checkComposeRules(appCompose({ docker_compose_file: text }), rules)
    expect(check).toMatchObject({ status: 'failed' })
    expect(check).toHaveProperty('expected', expect.stringMatching(/^template release 1 at \d+: /))
  })

  test('A6 compose_backdoor_env_rejected, A7 config_outside_measurement_rejected', () => {
    for (const members of [
      { allowed_envs: ['AGENT_ID', 'DSTACK_ROOT_PUBLIC_KEY'] },
      { pre_launch_script: 'true' },
      { name: 'a","public_logs":true,"x":"' },
    ]) {
      expect(checkComposeRules(appCompose(members), rules).status).toBe('failed')
    }
  })

  test('bytes that are no text, or too many', () => {
    for (const bytes of [Uint8Array.of(0xff), new Uint8Array(300_000)]) {
      expect(checkComposeRules(bytes, rules)).toMatchObject({ expected: 'a text in UTF-8' })
    }
  })

  test('any byte changed: refused, but for the name', () => {
    const start = new TextDecoder().decode(file).indexOf('"name":"') + 8
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        fc.pre(at < start || at >= start + APP_COMPOSE.name.length)
        const changed = file.slice()
        changed[at] = (changed[at] ?? 0) ^ mask
        expect(checkComposeRules(changed, rules).status).toBe('failed')
      }),
      { numRuns: 500 },
    )
  })
})
