import { setTimeout as delay } from 'node:timers/promises'
import { startNetwork, type Network } from '../../demo/network/network.ts'
import type { DevnetProvider } from '../../demo/network/operator.ts'
import { waitFor, type RunningProcess } from '../../demo/network/process.ts'
import { openKillClient, type Asked } from './kill-client.ts'
import { readBooks } from './read-books.ts'

/** What was seen of a node that was killed again and again in the middle of its answers. */
export interface KillFigures {
  readonly kills: number
  /** Answers of which the client had begun to read when the node died, and of which it had read the receipt. */
  readonly begun: number
  readonly receipted: number
  /** Authorisations that a later life answered. */
  readonly answeredTwice: number
  /** Receipts a client holds that the disk does not, or not as the client holds them. */
  readonly lostReceipts: number
  /** Authorisations of answers that had begun, which are not on the disk as used. */
  readonly forgotten: number
  /** Receipts on the disk at the end, what they come to, and what the chain has paid of the channel. */
  readonly receipts: number
  readonly owedWei: string
  readonly paidWei: string
  /** From the start of the process until it takes requests. */
  readonly restartMedianMs: number
}

/** A node is killed at a random moment of the time an answer takes. */
const MAX_LIFE_MS = 900

/** Kills a real node process so many times, each in the middle of answers, and looks at disk and chain afterwards. */
export async function benchKill(kills: number): Promise<KillFigures> {
  const network = await startNetwork()
  try {
    const provider = await network.startProvider('node', 1)
    return await killAgainAndAgain(network, provider, kills)
  } finally {
    await network.stop()
  }
}

async function killAgainAndAgain(
  network: Network,
  provider: DevnetProvider,
  kills: number,
): Promise<KillFigures> {
  const client = await openKillClient(network, provider)
  const asked: Asked[] = []
  const restarts: number[] = []
  let answeredTwice = 0
  let process: RunningProcess = provider.process
  for (let kill = 0; kill < kills; kill++) {
    const now = [client.sign(), client.sign()]
    asked.push(...now)
    const reading = now.map((one) => client.ask(one))
    await delay(Math.random() * MAX_LIFE_MS)
    await process.kill()
    await Promise.all(reading)

    const started = performance.now()
    process = await provider.machine.boot({ agentId: provider.agentId, serviceId: 0 })
    await waitFor(
      'the node to serve again',
      async () => ((await provider.machine.health()).status === 'ok' ? true : undefined),
      { timeoutMs: 60_000, running: process },
    )
    restarts.push(performance.now() - started)
    await waitFor(
      'the node to take what is signed now',
      async () => ((await client.isTaken()) ? true : undefined),
      { timeoutMs: 60_000, running: process },
    )
    for (const one of asked.slice(-6)) if (await client.isAnswered(one)) answeredTwice++
  }
  const { stateDir } = provider.machine
  await waitFor(
    'every receipt to be settled',
    async () => ((await readBooks(stateDir)).open === 0 ? true : undefined),
    { timeoutMs: 120_000, running: process },
  )
  await process.stop()
  const books = await readBooks(stateDir)
  const lost = asked.filter(
    ({ receipt, authHash }) => receipt !== undefined && books.receipts.get(authHash) !== receipt,
  )
  const forgotten = asked.filter(({ begun, authHash }) => begun && !books.used.has(authHash))
  return {
    kills,
    begun: asked.filter(({ begun }) => begun).length,
    receipted: asked.filter(({ receipt }) => receipt !== undefined).length,
    answeredTwice,
    lostReceipts: lost.length,
    forgotten: forgotten.length,
    receipts: books.receipts.size,
    owedWei: books.owed.toString(),
    paidWei: (await client.spent()).toString(),
    restartMedianMs: Math.round(restarts.toSorted((a, b) => a - b)[restarts.length >> 1] ?? 0),
  }
}
