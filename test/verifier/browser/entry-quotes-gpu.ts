/** What judges TDX quotes, and GPUs by NVIDIA's reference values. */
export { GpuVerifier, nvidiaTrustAnchor, parseGpuPolicy } from '../../../verifier/src/gpu/index.ts'
export * from './entry-quotes.ts'
