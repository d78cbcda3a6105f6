import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createFetch } from '@jeju/sdk'
import { serveProxy } from '@jeju/sdk/node'
import { toHex } from 'viem'
import { clientOf } from './network/client.ts'
import { interruption } from './network/interruption.ts'
import { startNetwork } from './network/network.ts'
import { DOLLAR_PAYER, startPaidEntry } from './network/paid-entry.ts'
import { root } from './network/root.ts'

/** Starts the demo's network and leaves it running until Ctrl-C. */

/** Development account that pays for the proxy's requests. */
const CLIENT = 5

const print = (text = ''): void => void process.stdout.write(`${text}\n`)
const interrupted = interruption()

print('Starting a chain, two nodes, a tampered node and a gateway …')
const network = await startNetwork()
const ends: (() => Promise<void>)[] = [() => network.stop()]
try {
  const providers = [
    await network.startProvider('node A', 1),
    await network.startGpuProvider('node B', 2),
    await network.startTamperedProvider('node C (tampered)', 3),
  ]
  const folder = join(root, '.devnet')
  const entry = await startPaidEntry(network, join(folder, 'sponsor'))
  ends.push(() => entry.close())
  const gateway = await network.startGateway(entry.settings)
  const { deployment, rpcUrl } = network.chain
  const wallet = network.wallet(CLIENT)
  const verifiedFetch = createFetch({
    ...clientOf(network, gateway, CLIENT),
  })
  const proxy = await serveProxy({ fetch: verifiedFetch, port: 0 })
  ends.push(() => proxy.close())

  await writeFile(join(folder, 'policy.json'), `${JSON.stringify(network.policy, null, 2)}\n`)
  await writeFile(join(folder, 'deployment.json'), `${JSON.stringify(deployment, null, 2)}\n`)
  await writeFile(join(folder, 'root.der'), network.trustAnchor.certificate)
  const addresses = { rpc: rpcUrl, gateway: gateway.url, collateral: network.collateralUrl }
  await writeFile(join(folder, 'network.json'), `${JSON.stringify(addresses, null, 2)}\n`)

  print(`
  chain      ${rpcUrl} (id ${network.chain.chainId})
  gateway    ${gateway.url}   try ${gateway.url}/v1/providers
  explorer   ${gateway.url}/explorer/`)
  for (const { name, agentId, machine } of providers) {
    print(`  ${name.padEnd(10)} ${machine.url}   agent ${agentId}, pid ${machine.pid() ?? '–'}`)
  }
  print(`
  .devnet/   policy.json, deployment.json, network.json and root.der: what a client needs,
             as in: npm run -s jeju -- providers --network .devnet
  collateral ${network.collateralUrl}   as Intel's PCS serves it
  wallet     ${wallet.account.address}, development key ${toHex(network.chain.privateKey(CLIENT))}

  A local proxy verifies, pays and answers as OpenAI does. No key is needed:

    curl ${proxy.url}/v1/chat/completions -H 'Content-Type: application/json' \\
      -d '{"model":"${network.model.descriptor.id}","messages":[{"role":"user","content":"What is remote attestation?"}]}'

  The gateway itself pays for whoever has its key, and believes nobody but the nodes' proofs:

    curl ${gateway.url}/v1/chat/completions -H 'Content-Type: application/json' \\
      -H 'Authorization: Bearer ${entry.apiKey}' \\
      -d '{"model":"${network.model.descriptor.id}","messages":[{"role":"user","content":"What is remote attestation?"}]}'

  Without a key it asks for dollars (x402): token ${entry.dollar},
  of which ${network.wallet(DOLLAR_PAYER).account.address} has a thousand.

  Ctrl-C stops everything.`)
  await interrupted
  print('\nStopping …')
} finally {
  for (const end of ends.toReversed()) await end()
}
process.exit(0)
