import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parsePolicy } from '@jeju/verifier'
import { decodeFunctionData, parseAbi } from 'viem'
import { describe, expect, test } from 'vitest'
import { releasePolicyText } from '../../gateway/src/release-policy.ts'
import { readOsImages } from '../../measurements/src/boot/os-image.ts'
import { auditFindings, openFindings } from '../../measurements/src/provenance/audit-exceptions.ts'
import { sbom } from '../../measurements/src/provenance/sbom.ts'
import { imagePackages } from '../../measurements/src/image/image-layers.ts'
import { readRuntimeLock } from '../../measurements/src/image/runtime-files.ts'
import { measurementPolicyAbi } from '@jeju/contracts'
import { allowCall, allowListEntries } from '../../measurements/src/release/allow-list.ts'
import {
  differingFiles,
  readRelease,
  schemaFiles,
} from '../../measurements/src/release/release-files.ts'
import { releasePolicy } from '../../measurements/src/release/release-policy.ts'
import { drawTable, releaseTable } from '../../measurements/src/release/release-table.ts'
import { timelockBatch } from '../../measurements/src/release/timelock-batch.ts'
import { root } from '../../measurements/src/root.ts'

const release = await readRelease()
const CONTEXT = {
  commit: `0x${'22'.repeat(20)}`,
  sources: ['https://source.test'],
} as const

describe('release', () => {
  test('policy.json is the policy of release.json, and the verifier reads it', async () => {
    const text = await readFile(join(root, 'measurements/policy.json'), 'utf8')
    expect(parsePolicy(text)).toEqual(releasePolicy(release))
    expect(parsePolicy(text).tiers).toEqual(['tdx'])
  })

  test('a gateway that is given no policy takes this one', async () => {
    expect(parsePolicy((await releasePolicyText()) ?? '')).toEqual(releasePolicy(release))
  })

  test('JSON schemas are those of the code', async () => {
    expect(await differingFiles(schemaFiles())).toEqual([])
  })

  test('A5 os_image_dev_rejected: nothing accepted is for development, or of unknown kind', async () => {
    for (const { accepted, development, name } of await readOsImages()) {
      expect(!accepted || development === false, name).toBe(true)
    }
    expect(releasePolicy(release).acpi.unreviewed).toBe('refused')
  })

  test('the table says what differs', () => {
    expect(drawTable(releaseTable(release, release))).not.toMatch(/DIFFERS|new /)
    const other = { ...release, sourceSha256: '0'.repeat(64) }
    expect(drawTable(releaseTable(other, release))).toMatch(/^DIFFERS sources/)
    expect(drawTable(releaseTable(release, undefined))).toMatch(/^new {5}sources/)
  })
})

describe('allow-list', () => {
  const accepted = {
    ...release,
    osImages: release.osImages.map((image) => ({ ...image, accepted: true })),
  }

  test('one entry for each image, machine and compose file, as calls through the timelock', () => {
    const entries = allowListEntries(accepted, CONTEXT)
    const machines = accepted.osImages.flatMap((image) => image.machines)
    expect(entries).toHaveLength(machines.length * accepted.composes.length)
    expect(entries[0]).toMatchObject({ tcbStatuses: release.tcb.statuses, tier: 'TDX' })
    const calls = entries.map(allowCall)
    const announced = decodeFunctionData({ abi: measurementPolicyAbi, data: calls[0] ?? '0x' })
    expect(announced).toMatchObject({
      functionName: 'propose',
      args: [
        { imageId: machines[0]?.imageId, pin: 1, workload: accepted.composes[0]?.composeHash },
        // UpToDate and SWHardeningNeeded; SEPT_VE_DISABLE is bit 28.
        { tier: 2, tcbStatuses: 0b11, tdAttributes: 1n << 28n },
        {},
      ],
    })
    const target = `0x${'33'.repeat(20)}` as const
    const batch = timelockBatch(target, calls, { name: 'test', delaySeconds: 172_800n })
    const abi = parseAbi([
      'function scheduleBatch(address[], uint256[], bytes[], bytes32, bytes32, uint256)',
    ])
    const { args } = decodeFunctionData({ abi, data: batch.schedule })
    expect(args[0]).toEqual(calls.map(() => target))
    expect(args[2]).toEqual(calls)
    expect(args[5]).toBe(172_800n)
  })

  test('A5 empty_allowlist_refuses_all: nothing is listed without registers or sources', () => {
    const none = { ...release, osImages: [] }
    const code = { code: 'ALLOW_LIST_EMPTY' }
    expect(() => allowListEntries(none, CONTEXT)).toThrow(expect.objectContaining(code))
    expect(() => allowListEntries(accepted, { ...CONTEXT, sources: [] })).toThrow(
      expect.objectContaining(code),
    )
  })
})

describe('provenance', () => {
  test('the bill of materials names every package of the image with its licence and hash', async () => {
    const packages = await imagePackages(root, 'cpu')
    const subject = { version: '0', digest: `sha256:${'0'.repeat(64)}` }
    const bill = (await sbom(root, packages, await readRuntimeLock(), subject)) as {
      readonly components: readonly Readonly<Record<string, unknown>>[]
    }
    const references = bill.components.map((each) => each['bom-ref'])
    expect(new Set(references).size).toBe(references.length)
    expect(references.join('\n')).toContain('pkg:npm/viem@2.57.20#node_modules/viem')
    expect(references.join('\n')).toContain('pkg:deb/debian/libc6@')
    for (const { purl, hashes } of bill.components) expect(hashes, String(purl)).toBeDefined()
  })

  test('a finding counts unless an exception in force names it; a failure is no clean answer', () => {
    const via = {
      name: 'left',
      severity: 'high',
      title: 'x',
      url: 'https://github.com/advisories/GHSA-aaaa-bbbb-cccc',
    }
    const findings = auditFindings(
      JSON.stringify({ vulnerabilities: { left: { via: [via] }, top: { via: ['left'] } } }),
    )
    expect(findings).toHaveLength(1)
    const exception = {
      id: 'GHSA-aaaa-bbbb-cccc',
      package: 'left',
      because: 'not reached',
      until: '2030-01-01',
    }
    expect(openFindings(findings ?? [], [], '2026-01-01')).toHaveLength(1)
    expect(openFindings(findings ?? [], [exception], '2026-01-01')).toEqual([])
    expect(openFindings(findings ?? [], [exception], '2030-01-02')).toHaveLength(1)
    expect(auditFindings('{"error":{"code":"ENOAUDIT"}}')).toBeUndefined()
    expect(auditFindings('offline')).toBeUndefined()
  })
})
