import type { GpuCheckName } from '../gpu/gpu-report.ts'
import type { InclusionCheckName } from '../receipt/verify-inclusion.ts'
import type { ReceiptCheckName } from '../receipt/verify-receipt.ts'
import type { EvidenceCheckName } from './report.ts'

/** What each check asks, in half a line. */
const MEANINGS: Readonly<
  Record<EvidenceCheckName | GpuCheckName | ReceiptCheckName | InclusionCheckName, string>
> = {
  'quote-signature': 'the attestation key signed the TD report',
  'qe-report-binding': 'the quoting enclave vouches for that key',
  'qe-report-signature': 'the certified platform vouches for the quoting enclave',
  'pck-chain': "the platform's certificates end in the trust anchor",
  'pck-revocation': 'none of them is revoked',
  'tcb-info': 'Intel describes this family of platforms',
  'qe-identity': 'the quoting enclave is the one Intel describes',
  'tdx-module': 'the TDX module is one Intel signed',
  'tcb-status': 'how up to date platform, module and enclave are',
  'tcb-allowed': 'the policy takes that state',
  'td-attributes': 'a production TD, not one that can be debugged or moved',
  'event-log': 'the log is what the registers were extended with',
  'compose-hash': 'the compose file is the measured one',
  'mr-config-id': 'the host started the TD for that compose file',
  'compose-allowed': 'the policy lists the compose file',
  'os-image-allowed': 'the policy lists the operating system image',
  'statement-binding': "the quote carries the node's statement",
  freshness: 'the quote answers the very challenge',
  'statement-identity': 'agent and operator are those asked for',
  'instance-identity': 'the instance is the measured one',
  keyset: 'the keys are those of the statement',
  'model-catalog': 'the models are those of the statement',
  posture: 'what leaves the node is as the statement says',
  'key-custody': 'who else can derive the keys is known and trusted',
  'gpu-evidence': 'the GPUs are as the statement says',
  'gpu-report': 'every device answered with a measurement report',
  'gpu-nonce': 'the reports answer the very challenge',
  'gpu-certificate-chain': "the devices' certificates end in the trust anchor",
  'gpu-report-signature': 'the devices signed their reports',
  'gpu-identity': 'the devices are what the node says they are',
  'gpu-firmware-id': 'the firmware that reported is the certified one',
  'gpu-revocation': "none of the devices' certificates is revoked",
  'gpu-reference-values': 'NVIDIA says what driver and VBIOS should measure',
  'gpu-rim-expiry': 'who said so is still allowed to',
  'gpu-rim-revocation': 'and is not revoked',
  'gpu-measurements': 'the devices measure what they should',
  'gpu-confidential-mode': 'the mode is one the policy takes',
  'gpu-set': 'as many devices as wanted, none twice, all alike',
  'gpu-topology': 'GPUs and switches belong together',
  'gpu-devices': 'the devices are those of the statement',
  'gpu-allowed': 'the policy takes architecture, driver and reference values',
  'receipt-present': 'there is one receipt, in its place',
  'receipt-authorisation': 'it answers the very authorisation',
  'receipt-response': 'it covers exactly the bytes received',
  'receipt-signer': 'the attested signer signed the counts',
  'receipt-document': 'a key of the attested keyset signed the document',
  'receipt-model': 'the model is the one asked for',
  'receipt-price': 'price version, cap and fee are as agreed',
  'receipt-usage': 'the counts are possible, and those the answer states',
  'receipt-time': 'it was issued in time',
  'inclusion-log': 'proof and root are of the log of its key',
  'inclusion-root': 'it stands in the tree with that root',
  'inclusion-time': 'it was issued before that was anchored',
}

/** What a check of that name asks; undefined where nobody wrote it down. */
export function meaningOf(name: string): string | undefined {
  const meanings: Readonly<Record<string, string>> = MEANINGS
  return Object.hasOwn(meanings, name) ? meanings[name] : undefined
}
