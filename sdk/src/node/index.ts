/** The parts of the SDK that need Node. */
export { openFolderStore } from './folder-store.ts'
export { decryptKeystore } from './keystore.ts'
export { PROXY_ERROR_CODES } from './openai-error.ts'
export { serveProxy, type ProxyOptions, type RunningProxy } from './proxy.ts'
