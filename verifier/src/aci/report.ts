import { utf8 } from '../bytes/bytes.ts'
import { fromBareHex } from '../bytes/hex.ts'
import { asTextOrNull, parseForeignJson } from '../dialect/foreign-json.ts'
import type { MachineEvidence } from '../machine/check-machine.ts'
import { asObject, asString } from '../protocol/shape.ts'
import { readAciCustody, type AciCustody } from './custody.ts'
import { readAciKeyset, type AciKeyset } from './keyset.ts'

/** Source that an ACI service says it was built from. */
export interface AciProvenance {
  readonly repoUrl: string | null
  readonly repoCommit: string | null
  readonly imageDigest: string | null
}

/** An ACI attestation report under dstack's `tdx` policy, read and not yet judged. */
export interface AciReport {
  readonly apiVersion: string
  readonly teeType: string
  readonly keysetDigest: string
  readonly keyset: AciKeyset
  /** As restated in the report; the quote's own is what counts. */
  readonly reportData: string
  readonly quoteReportData: string | null
  readonly provenance: AciProvenance
  readonly quote: Uint8Array
  readonly machine: MachineEvidence
  readonly custody: AciCustody
  /** GPUs and switches, as texts of JSON; null where there are none. */
  readonly nvidiaPayload: string | null
  readonly nvswitchPayload: string | null
  /** An unknown value is read as `aggregator` (ACI, unknown values). */
  readonly serving: 'direct' | 'aggregator'
}

const MAX_TEXT = 1024 * 1024

/** Reads the answer of `GET /v1/aci/attestation`. @throws ProtocolError */
export function parseAciReport(text: string): AciReport {
  const report = asObject(parseForeignJson(text, 'report'), 'report')
  const attestation = asObject(report['attestation'], 'attestation')
  const evidence = asObject(attestation['evidence'], 'evidence')
  const provenance = asObject(attestation['source_provenance'] ?? {}, 'source_provenance')
  const capabilities = asObject(report['service_capabilities'] ?? {}, 'service_capabilities')
  return {
    apiVersion: asString(report['api_version'], 'api_version', 64),
    teeType: asString(attestation['tee_type'], 'tee_type', 64),
    keysetDigest: asString(report['workload_keyset_digest'], 'workload_keyset_digest', 128),
    keyset: readAciKeyset(attestation['workload_keyset']),
    reportData: asString(attestation['report_data'], 'report_data', 128),
    quoteReportData: asTextOrNull(evidence['quote_report_data'], 'evidence.quote_report_data', 130),
    provenance: {
      repoUrl: asTextOrNull(provenance['repo_url'], 'source_provenance.repo_url', 1024),
      repoCommit: asTextOrNull(provenance['repo_commit'], 'source_provenance.repo_commit', 128),
      imageDigest: asTextOrNull(provenance['image_digest'], 'source_provenance.image_digest', 128),
    },
    quote: fromBareHex(asString(evidence['quote'], 'evidence.quote', MAX_TEXT), undefined, 'quote'),
    machine: {
      eventLog: asString(evidence['event_log'], 'evidence.event_log', MAX_TEXT),
      appCompose: utf8(asString(evidence['app_compose'], 'evidence.app_compose', MAX_TEXT)),
      vmConfig: asTextOrNull(evidence['vm_config'], 'evidence.vm_config', MAX_TEXT) ?? '',
    },
    nvidiaPayload: asTextOrNull(evidence['nvidia_payload'], 'evidence.nvidia_payload', MAX_TEXT),
    nvswitchPayload: asTextOrNull(
      evidence['nvswitch_payload'],
      'evidence.nvswitch_payload',
      MAX_TEXT,
    ),
    custody: readAciCustody(evidence['key_custody'] ?? { keys: [] }),
    serving: capabilities['serving'] === 'direct' ? 'direct' : 'aggregator',
  }
}
