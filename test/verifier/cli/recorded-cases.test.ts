import { beforeAll, describe, expect, test } from 'vitest'
import { toBareHex } from '@jeju/verifier/protocol'
import {
  bundleOf,
  comparable,
  forgedCases,
  matrixRows,
  recordedQuotes,
  type Expectation,
  type ForgedCase,
} from '../tdx/recorded.ts'
import { haveVectors, vectorBytes, vectorJson, vectorText } from '../vectors.ts'
import { jsonLines, pemOf, runCli, type CliResult } from './run-cli.ts'

/** Every recorded row and every forged case, in one call. */

interface Case {
  readonly id: string
  readonly expect: Expectation
}

interface Answer extends Omit<Expectation, 'verdict'> {
  readonly id: string
  readonly verdict: string
  readonly code: string | null
  readonly flags: readonly string[]
  readonly checks: readonly { readonly status: string }[]
  readonly appraisal: { readonly ok: boolean; readonly failures: readonly object[] }
}

interface Flagged {
  readonly id: string
  readonly flags?: readonly string[]
  readonly expect: { readonly appraisal?: 'reject' | 'report'; readonly flags?: readonly string[] }
}

/** Rows in hex with an object for a bundle; forged cases in base64 with its text. */
function inputLines(): string {
  const quotes = new Map(
    recordedQuotes().map(({ id, file }) => [id, toBareHex(vectorBytes('tdx', file))]),
  )
  const rows = matrixRows().map((row) => ({
    id: row.id,
    quote: quotes.get(row.quote),
    collateral: bundleOf(row),
    now: row.now,
  }))
  const forged = forgedCases().map((one) => ({
    id: one.id,
    quote: Buffer.from(vectorBytes('tdx', 'forged', one.quote)).toString('base64'),
    collateral: vectorText('tdx', 'forged', one.collateral),
    now: one.now,
    ...anchorOf(one),
  }))
  return [...rows, ...forged].map((one) => `${JSON.stringify(one)}\n`).join('')
}

function anchorOf({ trustAnchor }: ForgedCase): { readonly trustAnchor?: string } {
  return trustAnchor === 'intel'
    ? {}
    : { trustAnchor: pemOf(vectorBytes('tdx', 'forged', trustAnchor)) }
}

describe.runIf(haveVectors)('recorded and forged cases, as one stream of lines', () => {
  const cases: readonly Case[] = haveVectors ? [...matrixRows(), ...forgedCases()] : []
  let result: CliResult
  let answers: readonly Answer[]

  beforeAll(async () => {
    result = await runCli(['tdx', '--json', '-'], inputLines())
    answers = jsonLines(result.stdout) as unknown as readonly Answer[]
  })

  test('one line a case, in order, and the exit code of the worst', () => {
    expect(answers.map(({ id }) => id)).toEqual(cases.map(({ id }) => id))
    expect(result).toMatchObject({ code: 30, stderr: '' })
  })

  test('every verdict is the recorded one', () => {
    for (const [index, { id, expect: wanted }] of cases.entries()) {
      const answer = answers[index]
      if (wanted.verdict === 'any' || answer === undefined) continue
      const verdict = answer.verdict === 'accepted' ? 'accept' : 'reject'
      expect(comparable({ ...answer, verdict }), id).toMatchObject(comparable(wanted))
    }
  })

  test('malformed is what cannot be parsed, rejected what fails a check', () => {
    for (const [index, { id, expect: wanted }] of cases.entries()) {
      const answer = answers[index]
      if (wanted.verdict !== 'reject' || answer === undefined) continue
      const isInput = wanted.stage === 'input' || wanted.stage === 'parse'
      const isBundle = answer.code === 'COLLATERAL_INVALID'
      expect(answer.verdict, id).toBe(isInput || isBundle ? 'malformed' : 'rejected')
      expect(answer.code, id).toMatch(/^[A-Z0-9_]+$/)
      expect(answer.status, id).toBe(wanted.status ?? null)
    }
  })

  test('a verdict says nothing of policy: flags are named, and the appraisal is apart', () => {
    const flagged = vectorJson('tdx', 'forged', 'cases.json') as readonly Flagged[]
    for (const { id, flags = [], expect: wanted } of flagged) {
      const answer = answers.find((one) => one.id === id)
      expect(answer?.flags, id).toEqual(expect.arrayContaining([...flags, ...(wanted.flags ?? [])]))
      if (wanted.appraisal === undefined) continue
      expect(answer?.verdict, id).toBe('accepted')
      expect(answer?.appraisal.ok, id).toBe(wanted.appraisal === 'report')
    }
  })

  test('accepted means that every check passed', () => {
    for (const { id, verdict, code, checks, appraisal } of answers) {
      const allPassed = checks.every(({ status }) => status === 'passed')
      expect(verdict === 'accepted', id).toBe(allPassed)
      expect(code === null, id).toBe(allPassed)
      expect(appraisal.ok, id).toBe(appraisal.failures.length === 0)
    }
  })
})
