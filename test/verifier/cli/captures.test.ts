import { strippedLog, type SimulatedPlatform, type SimulatedTd } from '@jeju/simulator'
import { toBareHex, utf8 } from '@jeju/verifier/protocol'
import { beforeAll, describe, expect, test } from 'vitest'
import { appCompose, AT, machine } from '../evidence/fixture.ts'
import { haveVectors, vectorJson, vectorText } from '../vectors.ts'
import { fileOf, jsonLines, runCli } from './run-cli.ts'

/** Answers of guest agents: of the simulated one, and of real machines. */

interface Check {
  readonly name: string
  readonly status: string
}

interface Answer {
  readonly verdict: string
  readonly code: string | null
  readonly checks: readonly Check[]
  readonly events: {
    readonly platform: readonly { readonly name: string; readonly text?: string }[]
    readonly application: readonly { readonly name: string }[]
  } | null
}

const answersOf = (stdout: string): readonly Answer[] =>
  jsonLines(stdout) as unknown as readonly Answer[]
const statusOf = (answer: Answer | undefined, name: string): string | undefined =>
  answer?.checks.find((check) => check.name === name)?.status

describe('dstack: a simulated machine', () => {
  let platform: SimulatedPlatform
  let td: SimulatedTd
  let flags: readonly string[]
  let capture: Record<string, unknown>

  beforeAll(async () => {
    ;({ platform, td } = await machine())
    // An application can write what looks like the platform's word.
    td.emitEvent('compose-hash', utf8('\u001b[2Jforged'))
    flags = [
      `--at=${AT.toISOString()}`,
      `--anchor=${fileOf('root.der', platform.rootCertificateDer)}`,
      '--anchor-name=bench',
    ]
    capture = {
      quote: toBareHex(await td.quote(utf8('hello, auditor'.padEnd(64, '\0')))),
      event_log: JSON.stringify(strippedLog(td.events())),
      vm_config: td.vmConfig,
      tcb_info: JSON.stringify({ app_compose: new TextDecoder().decode(appCompose) }),
    }
  })

  test('with collateral everything is checked, and the events are readable', async () => {
    const collateral = fileOf('bundle.json', await platform.collateralJson(AT))
    const file = fileOf('capture.json', JSON.stringify(capture))
    const { code, stdout, stderr } = await runCli([
      'dstack',
      ...flags,
      '--collateral',
      collateral,
      file,
    ])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`${file}: accepted`)
    expect(stdout).toMatch(/ok +event-log/)
    expect(stdout).toMatch(/ok +compose-hash/)
    expect(stdout).toMatch(/ok +mr-config-id/)
    expect(stdout).toMatch(/key-provider +\{"name":"kms"/)
    expect(stdout).toMatch(/storage-fs +zfs/)
    expect(stdout).toContain('reportData as text: hello, auditor')
    expect(stdout).toMatch(/behind system-ready.*\n.*compose-hash +1b5b324a/)
    expect(stdout).not.toContain('\u001b')
  })

  test('what was not checked is skipped, and what was changed is found', async () => {
    const log = strippedLog(td.events())
    const changed = log.map((event) =>
      event.event === 'app-id' ? { ...event, event_payload: '00'.repeat(20) } : event,
    )
    const files = [
      { ...capture, id: 'without collateral' },
      { quote: capture['quote'] },
      { ...capture, event_log: changed },
      { ...capture, app_compose: '{}' },
      { ...capture, quote: String(capture['quote']).replace(/^(.{300})./, '$1f') },
      { ...capture, quote: 'no quote' },
      { ...capture, tcb_info: '[' },
    ].map((content, index) => fileOf(`${index}.json`, JSON.stringify(content)))
    const { code, stdout } = await runCli(['dstack', '--json', ...flags, ...files])
    expect(code).toBe(30)
    const answers = answersOf(stdout)
    expect(answers.map((answer) => [answer.verdict, answer.code])).toEqual([
      ['incomplete', null],
      ['incomplete', null],
      ['rejected', 'event-log'],
      ['rejected', 'compose-hash'],
      ['rejected', 'QUOTE_SIGNATURE_INVALID'],
      ['malformed', 'INPUT_FIELD'],
      ['malformed', 'INPUT_JSON'],
    ])
    expect(answers.slice(0, 5).map((answer) => statusOf(answer, 'event-log'))).toEqual([
      'passed',
      'skipped',
      'failed',
      'passed',
      'skipped',
    ])
    expect(answers[0]?.checks.filter(({ status }) => status === 'skipped')).toHaveLength(5)
    expect(answers[0]?.events?.application).toMatchObject([{ name: 'compose-hash' }])
    // Events of a log that was not replayed are nobody's word.
    expect(answers[2]?.events).toBeNull()
  })
})

describe.runIf(haveVectors)('dstack: recorded machines', () => {
  test('each log replays, and only the one compose that was measured passes', async () => {
    const report = vectorJson('dstack', 'dstack-examples', 'rtmr3-based', 'report.json') as object
    const files = [
      vectorText('dstack', 'dstack-next', 'verifier', 'quote-report.json'),
      JSON.stringify({
        ...report,
        app_compose: vectorText('dstack', 'dstack-examples', 'rtmr3-based', 'app-compose.json'),
      }),
      vectorText('dstack', 'dstack-next', 'verifier', 'tdx-lite-attestation.json'),
    ].map((content, index) => fileOf(`${index}.json`, content))
    const { code, stdout } = await runCli([
      'dstack',
      '--json',
      '--at',
      '2026-08-01T00:00:00Z',
      ...files,
    ])
    expect(code).toBe(10)
    const answers = answersOf(stdout)
    expect(answers.map(({ verdict }) => verdict)).toEqual([
      'incomplete',
      'incomplete',
      'incomplete',
    ])
    expect(answers.map((answer) => statusOf(answer, 'event-log'))).toEqual([
      'passed',
      'passed',
      'passed',
    ])
    expect(answers.map((answer) => statusOf(answer, 'compose-hash'))).toEqual([
      'skipped',
      'passed',
      'skipped',
    ])
    expect(answers[0]?.events?.application.map(({ name }) => name)).toEqual(['LIUM_MINER_HOTKEY'])
  })
})
