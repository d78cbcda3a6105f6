import {
  authDigest,
  encodeAuthorization,
  utf8,
  type SignedRequestAuth,
} from '@jeju/verifier/protocol'
import { servingDomain } from './deployment.ts'
import { BINDING, NOW_S, openPayment, refusalOf, stillNow, type PaymentSetting } from './payment.ts'
import { CHAT_PATH, chatBody, digestOf } from './test-client.ts'
import { VoucherClient, type VoucherLies } from './voucher-client.ts'

const BODY = chatBody()

/** The part of a node that takes money, and a client whose channel is paid by vouchers. */
export interface VoucherSetting extends Omit<PaymentSetting, 'authoriser'> {
  readonly client: VoucherClient
  /** Takes what the client signs; `ok`, or the code of the refusal. */
  take(lies?: VoucherLies): Promise<string>
  takeSigned(signed: SignedRequestAuth): Promise<string>
  /** An answer to an authorisation; the client knows its fee unless said otherwise. */
  answer(fee: bigint, signed?: SignedRequestAuth, isKnown?: boolean): Promise<void>
}

/** Opens it on a folder, a chain and a client of an earlier life, or on fresh ones. */
export async function openVouchers(
  locked?: bigint,
  folder?: string,
  before?: Pick<VoucherSetting, 'chain' | 'client'>,
  now: () => Date = stillNow,
): Promise<VoucherSetting> {
  const { authoriser, ...payment } = await openPayment({
    stateDir: folder,
    chain: before?.chain,
    now,
  })
  const client = before?.client ?? new VoucherClient(payment.chain, BINDING, locked)
  let last: SignedRequestAuth | undefined
  const takeSigned: VoucherSetting['takeSigned'] = async (signed) => {
    try {
      const header = encodeAuthorization(signed)
      const authorised = await authoriser.check(header, 'POST', CHAT_PATH, utf8(BODY))
      const { onDisk } = await authoriser.take(authorised)
      await onDisk
      last = signed
      return 'ok'
    } catch (error) {
      return refusalOf(error)
    }
  }
  return {
    ...payment,
    client,
    takeSigned,
    take: (lies) => takeSigned(client.sign(BODY, lies)),
    answer: async (fee, signed = last, isKnown = true) => {
      if (signed === undefined) throw new Error('nothing was taken')
      const { auth, signature } = signed
      const receipt = {
        authHash: authDigest(auth, servingDomain),
        responseHash: digestOf('response'),
        inputTokens: 1,
        outputTokens: 1,
        finish: 0,
        issuedAt: NOW_S,
      }
      if (isKnown) client.ended(auth.maxFee, fee)
      await payment.journal.finish(
        { auth, authSig: signature, receipt, receiptSig: signature },
        fee,
      )
    },
  }
}
