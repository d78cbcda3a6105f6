import { z } from 'zod'
import { NodeError } from '../../http/node-error.ts'

/** `provider` of a prompt, as far as ACI defines it (ACI, serving constraints); what else it held is refused. */
export const servingConstraint: z.ZodType<ServingConstraint> = z
  .strictObject({
    aci_verified: z.boolean().optional(),
    aci_session_ids: z
      .array(z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 lowercase hex characters'))
      .min(1)
      .max(256)
      .optional(),
  })
  .refine(
    ({ aci_verified, aci_session_ids }) => aci_verified !== false || aci_session_ids === undefined,
    'aci_session_ids: not together with aci_verified false',
  )

/** What a client demands of who serves. */
export interface ServingConstraint {
  readonly aci_verified?: boolean | undefined
  readonly aci_session_ids?: readonly string[] | undefined
}

/**
 * A direct service satisfies `aci_verified` by what it is, and has no session that a list could name.
 * @throws NodeError `session_not_accepted`
 */
export function assertServable(constraint: ServingConstraint | null | undefined): void {
  if (constraint?.aci_session_ids === undefined) return
  throw new NodeError('session_not_accepted', 'provider.aci_session_ids: this node has no sessions')
}
