// `npm run deploy:anvil|sepolia|mainnet -- [options]` (contracts/README.md). Off Anvil it is a rehearsal unless
// --broadcast is given.
import { deploy, DeployError } from './deploy/deploy.ts'
import { parseArguments, USAGE } from './deploy/arguments.ts'

try {
  const options = parseArguments(process.argv.slice(2), process.env)
  const { deployment, written } = await deploy(options)
  process.stdout.write(`${JSON.stringify(deployment, undefined, 2)}\n`)
  process.stderr.write(
    written === undefined ? 'rehearsal: nothing was sent, nothing was written\n' : `${written}\n`,
  )
} catch (error) {
  if (!(error instanceof DeployError)) throw error
  process.stderr.write(`${error.code}: ${error.message}\n${error.code === 'USAGE' ? USAGE : ''}`)
  process.exitCode = 1
}
