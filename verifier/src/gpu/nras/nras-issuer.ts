/** NVIDIA's production service: who its tokens say issued them, and where it is asked. Staging has another name. */
export const NRAS_ISSUER = 'https://nras.attestation.nvidia.com'
