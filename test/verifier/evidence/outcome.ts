import { expect } from 'vitest'
import { EVIDENCE_CHECKS, verifyEvidence, type Report } from '@jeju/verifier'
import { failedChecks } from '../../check-names.ts'
import { contextFor, evidenceOf, machine } from './fixture.ts'

/** Names of failed checks; the verdict must be a refusal. */
export function failures(report: Report): readonly string[] {
  expect(report.verdict.outcome).toBe('refused')
  expect(report.checks.map(({ name }) => name)).toEqual(EVIDENCE_CHECKS)
  return failedChecks(report)
}

/** Judges a TD of another machine, launched with lies, by the policy it would like. */
export async function judgeLiar(...lies: Parameters<typeof machine>): Promise<Report> {
  const liar = await machine(...lies)
  return verifyEvidence(await evidenceOf(liar.td), contextFor(liar.platform, liar.td))
}
