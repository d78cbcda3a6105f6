/** What a verifier uses where there is Node. */
export { nodeP256 } from './node-p256.ts'
export { nodeP384 } from './node-p384.ts'
