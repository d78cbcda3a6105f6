import {
  createClientOn,
  NotVerified,
  openIndexedDbStore,
  ReceiptBook,
  SdkError,
  verifyReceiptRecord,
  type Client,
  type ClientChain,
} from '@jeju/sdk'
import { parseCollateral, simulatedTrustAnchor, type AppraisalPolicy } from '@jeju/verifier'
import { fromBareHex, type Hex } from '@jeju/verifier/protocol'
import { deployment } from '../market/deployment.ts'
import { decode, encode } from './bridge.ts'

/** What runs in the page: a user of the market whose chain is on the other side of a bridge. */

/** What the page is told at its start; bytes in bare hex. */
export interface PageSetting {
  readonly policy: AppraisalPolicy
  readonly root: string
  readonly collateral: string
  readonly account: Hex
}

/** What came of a request. */
export interface PageAnswer {
  readonly text: string
  /** Code of the error, where it failed. */
  readonly code: string | null
  readonly failedChecks: readonly string[]
}

declare global {
  /** Of the test: a call of the contracts. */
  var contracts: (name: string, args: string) => Promise<string>
  var connect: (setting: PageSetting) => Promise<void>
  var ask: (body: string) => Promise<PageAnswer>
  /** Outcomes of every receipt that the browser keeps. */
  var verifyKept: () => Promise<readonly string[]>
  var closeAll: () => Promise<readonly string[]>
}

let setting: PageSetting
let client: Client

function over(names: readonly string[]): unknown {
  const call =
    (name: string) =>
    async (...args: readonly unknown[]): Promise<unknown> =>
      decode(await globalThis.contracts(name, encode(args)))
  return Object.fromEntries(names.map((name) => [name, call(name)]))
}

const chain = over(['provider', 'services', 'currentPrice', 'binding']) as ClientChain['chain']
const bridged = over([
  'openChannel',
  'topUp',
  'channelOf',
  'requestRefund',
  'completeRefund',
]) as ClientChain['ledger']
const ledger: ClientChain['ledger'] = {
  ...bridged,
  // Functions do not cross the bridge, so that the page hears of the channel when the test has opened it.
  openChannel: async (opening, beforeSend) => {
    const opened = await bridged.openChannel(opening)
    await beforeSend?.(opened.channelId)
    return opened
  },
}

const openStore = (): ReturnType<typeof openIndexedDbStore> => openIndexedDbStore('jeju')
const anchor = (): ReturnType<typeof simulatedTrustAnchor> =>
  simulatedTrustAnchor('page', fromBareHex(setting.root))

globalThis.connect = async (given) => {
  setting = given
  client = createClientOn(
    {
      gateway: location.origin,
      deployment,
      trustAnchor: anchor(),
      policy: given.policy,
      collateral: { collateralFor: async () => parseCollateral(given.collateral) },
      channelAmount: 10_000n,
      maxFeePerRequest: 5_000n,
      sealing: 'required',
      store: await openStore(),
    },
    { chain, ledger, account: given.account, servicesOf: async () => [] },
  )
}

globalThis.ask = async (body) => {
  try {
    const response = await client.fetch('/v1/chat/completions', { method: 'POST', body })
    return { text: await response.text(), code: null, failedChecks: [] }
  } catch (error) {
    if (!(error instanceof SdkError)) throw error
    const failedChecks = error instanceof NotVerified ? error.failedChecks : []
    return { text: '', code: error.code, failedChecks }
  }
}

globalThis.verifyKept = async () => {
  const book = new ReceiptBook(await openStore())
  const trust = { deployment, trustAnchor: anchor(), policy: setting.policy }
  const outcomes: string[] = []
  for (const name of await book.names()) {
    const record = await book.read(name)
    if (record === undefined) throw new Error(`${name} is gone`)
    const evidence = await book.evidence(record.evidence)
    outcomes.push((await verifyReceiptRecord(record, evidence, trust)).outcome)
  }
  return outcomes
}

globalThis.closeAll = async () => (await client.close()).map(({ outcome }) => outcome)
