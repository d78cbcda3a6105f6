/** The parts of the SDK that need Node. */
export { PROXY_ERROR_CODES } from './openai-error.ts'
export { serveProxy, type ProxyOptions, type RunningProxy } from './proxy.ts'
