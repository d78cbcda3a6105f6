/** What a verifier uses where there is Node. */
export { nodeP256 } from './node-p256.ts'
