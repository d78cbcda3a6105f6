import type { Hex } from '@jeju/verifier/protocol'
import type { ProviderAnswers, ReleaseFacts } from './provider-plan.ts'

const GUIDES = {
  'bare-metal': 'docs/deploy-bare-metal.md',
  'phala-cloud': 'docs/deploy-phala-cloud.md',
} as const

const ARCHIVE_TEXTS = {
  arweave:
    'Evidence and receipt logs go to Arweave through the default bundler, in items of the signer. What is above its free size is paid from the credits of that address.',
  file: 'Evidence and receipt logs go to a folder of the node’s volume. Publish or copy it yourself: when the volume is gone, receipts can be proven by nobody.',
  off: 'Evidence and receipt logs are archived nowhere: when this node is gone, its receipts can be proven by nobody. `--archive arweave` changes that, and the compose hash.',
} as const

/** What a provider does, in order, with what it costs and to whom. */
export function checklist(
  { platform, agentId, serviceId, publicUrl }: ProviderAnswers,
  { network, model, composeHashes }: ReleaseFacts,
  hash: Hex,
): string {
  const { chainId, computeRegistry, computeStaking, identityRegistry } = network.deployment
  const known = composeHashes.includes(hash)
  const agent = agentId ?? 'ID'
  return `# Provider checklist

Chain ${chainId} · compose hash \`${hash}\` · guide: ${GUIDES[platform]}

${
  known
    ? 'The compose hash is one that the published policy of this release accepts.'
    : '**The compose hash is not in the published policy.** Gateways and clients with that policy will refuse this node. Change nothing but what this tool asks for, or publish a policy of your own.'
}

## Money

- [ ] The owner's wallet has ether on chain ${chainId} for gas: minting, bond, registration, service, approval.
- [ ] The owner bonds at least the provider minimum of ComputeStaking, \`${computeStaking}\`.
- [ ] The node's signer gets gas money once it is known (\`signer\` in \`GET ${publicUrl}/health\`): it binds, renews, settles and anchors its receipts by itself: about 215,000 gas an hour in which there were any. Nothing else is ever paid to it.
- [ ] ${ARCHIVE_TEXTS[network.archive]}

## Before the node starts

With the owner's key (\`--key-file\` or \`--keystore\`, \`--network\` or \`--rpc\` and \`--deployment\`: docs/command-line.md), \`npm run -s jeju --\` and:

- [ ] ${agentId === undefined ? `\`agent mint\` mints an agent in \`${identityRegistry}\`; run this tool again with its number, \`--agent\`.` : `Agent ${agentId} is the owner's.`}
- [ ] \`stake --agent ${agent} add ETH\`, then \`agent register --agent ${agent} ${publicUrl}\` at \`${computeRegistry}\`.
- [ ] \`agent publish --agent ${agent} --name NAME\`, or set its URI to the one in \`agent-uri.txt\`.
- [ ] ${serviceId === undefined ? `\`agent service --agent ${agent} --model ${model.name} --model-id ${model.id} --in ETH --out ETH --max-output TOKENS\`; run this tool again with its number, \`--service\`.` : `Service ${serviceId} offers model \`${model.id}\` ("${model.name}").`}
- [ ] KMS on chain: the compose hash is allowed in your DstackApp, and hashes you no longer run are removed in the same batch.

## Start

- [ ] Deploy \`app-compose.json\` as it is: the guest hashes its bytes. \`sha256sum -c app-compose.json.sha256\` must pass on the machine that deploys.
- [ ] \`node.env\` holds all that the host sets. Nothing secret belongs into it.
- [ ] No public logs, no public sysinfo, TLS passed through to the node.

## After the start

- [ ] \`npm run measure -- --url ${publicUrl} --registry ${chainId}:${computeRegistry} --agent ${agent} --operator OWNER\` accepts the node. Only then \`agent approve --agent ${agent}\`: it verifies once more, at the registered address, and refuses otherwise.
- [ ] \`GET ${publicUrl}/health\` says \`"registered":true\`.
`
}
