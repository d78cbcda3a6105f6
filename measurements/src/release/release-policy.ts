import type { AppraisalPolicy } from '@jeju/verifier'
import type { Release } from './schema.ts'

/**
 * What a relying party accepts of a release, in the very form that `parsePolicy` of @jeju/verifier reads. ACPI tables
 * that nobody recorded are refused: the host makes them, and they can carry code.
 */
export function releasePolicy(release: Release): AppraisalPolicy {
  const accepted = release.osImages.filter((image) => image.accepted)
  return {
    v: 1,
    acpi: { reviewed: release.acpi, unreviewed: 'refused' },
    composeHashes: release.composes.map((compose) => compose.composeHash),
    composeTemplates: [],
    gpu: release.gpu,
    keyCustody: release.keyCustody,
    osImageHashes: accepted.map((image) => image.osImageHash),
    osImages: accepted.flatMap((image) => image.machines.map((machine) => machine.registers)),
    tcb: release.tcb,
    tiers: ['tdx'],
  }
}
