import type { Hono, MiddlewareHandler } from 'hono'
import { createAciReporter } from './attestation/aci/aci-reporter.ts'
import type { Attester } from './attestation/attester.ts'
import type { EvidenceArchive } from './attestation/evidence-archive.ts'
import type { Quotes } from './attestation/quotes.ts'
import { createSigningReporter } from './attestation/signing/signing-reporter.ts'
import { createTinfoilDocuments } from './attestation/tinfoil/tinfoil-document.ts'
import type { Config } from './config.ts'
import type { Gpus } from './gpu/gpus.ts'
import { exchangeMiddleware } from './exchange/exchange-middleware.ts'
import type { BodyReader } from './http/read-body.ts'
import type { NodeKeys } from './keys/node-keys.ts'
import type { Logger } from './logging.ts'
import type { Authoriser } from './payment/authorise.ts'
import type { Readiness } from './readiness.ts'
import { createExchangeRecords } from './records/exchange-records.ts'
import { openRecordLog } from './records/record-log.ts'
import { aciHeaders, aciRoutes } from './routes/aci.ts'
import { attestationRoutes } from './routes/attestation.ts'
import { signingReportRoutes } from './routes/signing-report.ts'
import { wellKnownRoutes } from './routes/well-known.ts'
import { createUnsealer } from './sealing/unsealer.ts'
import type { NodeIdentity } from './statement/node-identity.ts'
import type { Store } from './storage/store.ts'
import type { TlsKey } from './tls/tls-key.ts'

/** Everything by which a node proves itself and its answers: its own evidence, the dialects, sealing, records. */
export interface Proofs {
  readonly routes: readonly Hono[]
  /** Stands around every route. */
  readonly around: readonly MiddlewareHandler[]
  /** Resolves when all records are on disk. */
  flush(): Promise<void>
}

/** Collaborators of {@link openProofs}. */
export interface ProofsParts {
  readonly config: Config
  readonly quotes: Quotes
  readonly gpus: Gpus | undefined
  readonly attester: Attester
  readonly archive: EvidenceArchive
  readonly store: Store
  readonly identity: NodeIdentity
  readonly keys: NodeKeys
  readonly appCompose: Uint8Array
  readonly tls: TlsKey | undefined
  readonly readiness: Readiness
  readonly bodies: BodyReader
  readonly authoriser: Authoriser
  readonly logger: Logger
  readonly now: () => Date
}

/** Assembles the proofs of one identity. Each dialect has quotes of its own over the one queue. */
export async function openProofs(parts: ProofsParts): Promise<Proofs> {
  const { config, identity, keys, archive, attester, readiness, logger, now } = parts
  const log = await openRecordLog(parts.store, logger, now)
  const records = createExchangeRecords({ identity, receiptKey: keys.receiptKey, log, now })
  const exchanges = exchangeMiddleware({
    unsealer: createUnsealer(keys.sealing),
    records,
    bodies: parts.bodies,
    admit: (header) => parts.authoriser.admit(header),
    prompts: config.prompts,
    assertServing: () => readiness.assertServing(),
  })
  return {
    routes: [
      attestationRoutes(attester, archive),
      aciRoutes(createAciReporter({ ...parts, source: config.source }), records),
      signingReportRoutes(createSigningReporter(parts), records, keys),
      wellKnownRoutes(createTinfoilDocuments(parts), keys),
    ],
    around: [aciHeaders(identity.aciKeysetDigest), exchanges],
    flush: () => log.flush(),
  }
}
