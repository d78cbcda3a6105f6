import { register } from 'node:module'

/** What node and gateway run is their compiled package: it is loaded where the settings of tests name its sources. */
const hooks = `
const source = /\\/(enclave|gateway)\\/src\\/(.+)\\.ts$/
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context)
  if (!source.test(found.url)) return found
  return { ...found, url: found.url.replace(source, '/$1/dist/$2.js'), format: 'module' }
}`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
