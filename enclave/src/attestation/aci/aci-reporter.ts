import {
  ACI_VERSION,
  aciReportData,
  decodeUtf8,
  toBareHex,
  type JsonValue,
} from '@jeju/verifier/protocol'
import type { Source } from '../../config.ts'
import type { Gpus } from '../../gpu/gpus.ts'
import type { NodeKeys } from '../../keys/node-keys.ts'
import type { NodeIdentity } from '../../statement/node-identity.ts'
import type { TlsKey } from '../../tls/tls-key.ts'
import { cachedReport } from '../cached-report.ts'
import { collectItems, nvidiaPayloads } from '../device-evidence.ts'
import { fillEventLog } from '../fill-event-log.ts'
import type { Quotes } from '../quotes.ts'
import { keyCustody } from './key-custody.ts'

/** An ACI report as JSON. */
export type AciReport = Readonly<Record<string, JsonValue>>

/** Makes ACI attestation reports. */
export interface AciReporter {
  /** `null` asks for the form that proves no freshness; it is made every few minutes. */
  report(nonce: string | null, hostname: string): Promise<AciReport>
}

/** Collaborators of {@link createAciReporter}. */
export interface AciReporterParts {
  readonly quotes: Quotes
  readonly gpus: Gpus | undefined
  readonly identity: NodeIdentity
  readonly keys: NodeKeys
  readonly appCompose: Uint8Array
  readonly source: Source
  /** Undefined where TLS does not end here: then no TLS key is claimed. */
  readonly tls: TlsKey | undefined
  readonly now: () => Date
}

type Evidence = Readonly<Record<string, JsonValue>>

/**
 * A reporter for this node's keyset: report data is the hash of ACI's statement over keyset digest and nonce, in a
 * quote of its own (ACI, statement and report).
 */
export function createAciReporter(parts: AciReporterParts): AciReporter {
  const { identity } = parts
  const nonceless = cachedReport(
    () => makeEvidence(parts, null),
    () => parts.now().getTime(),
  )
  return {
    report: async (nonce, hostname) => {
      const evidence = await (nonce === null ? nonceless.get() : makeEvidence(parts, nonce))
      const reportData = aciReportData(identity.aciKeysetDigest, nonce)
      return {
        api_version: ACI_VERSION,
        workload_keyset_digest: identity.aciKeysetDigest,
        attestation: {
          tee_type: 'tdx',
          workload_keyset: JSON.parse(identity.keyset) as JsonValue,
          report_data: toBareHex(reportData.subarray(0, 32)),
          source_provenance: provenanceOf(parts.source),
          evidence: { ...evidence, ...tlsBinding(parts.tls, hostname) },
        },
        // No E2EE version of ACI ends here; sealed bodies have keys of their own in the keyset.
        service_capabilities: { supported_e2ee_versions: [], serving: 'direct' },
      }
    },
  }
}

async function makeEvidence(parts: AciReporterParts, nonce: string | null): Promise<Evidence> {
  const { quotes, gpus, identity, keys, appCompose, tls } = parts
  const data = aciReportData(identity.aciKeysetDigest, nonce)
  // The statement's digest is the GPU nonce: GPUs then answer for this keyset and this challenge (ACI names no rule).
  const gpuNonce = data.subarray(0, 32)
  const devices = await collectItems(gpus, gpuNonce)
  const { quote, eventLog, vmConfig } = await quotes.quote(data, 'challenge')
  return {
    quote: toBareHex(quote),
    quote_report_data: toBareHex(data),
    event_log: fillEventLog(eventLog),
    app_compose: decodeUtf8(appCompose, 'app_compose'),
    vm_config: vmConfig,
    key_custody: keyCustody(keys, tls),
    ...(gpus === undefined ? {} : nvidiaPayloads(devices, gpuNonce)),
  }
}

function provenanceOf({ repoUrl, repoCommit, imageDigest }: Source): JsonValue {
  return {
    repo_url: repoUrl,
    repo_commit: repoCommit,
    image_digest: imageDigest,
    image_provenance: null,
  }
}

/** Which listed TLS key clients of this name pin; a hint, since the name is the caller's own `Host`. */
function tlsBinding(tls: TlsKey | undefined, hostname: string): Evidence {
  return tls?.domain === hostname
    ? { downstream_tls_binding: { domain: tls.domain, spki_sha256: toBareHex(tls.spkiSha256) } }
    : {}
}
