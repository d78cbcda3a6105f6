import { register } from 'node:module'

/** What a node runs is its compiled package: it is loaded where the settings of tests name its sources. */
const hooks = `
const source = /\\/enclave\\/src\\/(.+)\\.ts$/
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context)
  if (!source.test(found.url)) return found
  return { ...found, url: found.url.replace(source, '/enclave/dist/$1.js'), format: 'module' }
}`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
