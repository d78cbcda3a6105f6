import { providerDocuments } from '../../../demo/network/gateway-view.ts'
import type { GatewayProcess } from '../../../demo/network/gateway.ts'
import { waitFor } from '../../../demo/network/process.ts'

/** Agents whose nodes a gateway admits now. */
export async function admittedBy({ url }: GatewayProcess): Promise<readonly string[]> {
  const documents = await providerDocuments(url)
  return documents.filter(({ admitted }) => admitted).map(({ agentId }) => agentId)
}

/** Waits until a gateway admits exactly so many nodes. */
export async function admissions(gateway: GatewayProcess, count: number): Promise<void> {
  const asMany = async (): Promise<true | undefined> =>
    (await admittedBy(gateway)).length === count ? true : undefined
  const options = { timeoutMs: 60_000, running: gateway.process }
  await waitFor(`${count} admitted`, asMany, options)
}
