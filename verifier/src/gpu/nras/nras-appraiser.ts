import { appraiseByNras, type NrasAppraiser } from './appraise-by-nras.ts'
import { markNrasAppraiser } from './made-appraisers.ts'
import { assertNrasService, type NrasService } from './nras-service.ts'

/** An appraiser that takes the word of that service. @throws VerifierError `TRUST_ANCHOR_INVALID` */
export function nrasAppraiser(service: NrasService): NrasAppraiser {
  assertNrasService(service)
  return markNrasAppraiser(
    Object.freeze({
      service,
      appraise: (devices, places, context) => appraiseByNras(service, devices, places, context),
    } satisfies NrasAppraiser),
  )
}
