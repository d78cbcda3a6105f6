/** EIP-712 domain name of InferenceServing. */
export const SERVING_DOMAIN_NAME = 'InferenceServing'
