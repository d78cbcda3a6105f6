import type { XmlAttribute, XmlElement } from './read-xml.ts'

const TEXT_ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '\r': '&#xD;',
}
const VALUE_ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '"': '&quot;',
  '\t': '&#x9;',
  '\n': '&#xA;',
  '\r': '&#xD;',
}
const NOTHING: ReadonlyMap<string, string> = new Map()

/**
 * Canonical XML 1.1 of an element as the apex of what is signed: all namespaces in its scope are rendered there, used
 * or not. `without` is left out with everything in it (the enveloped-signature transform of XML Signature §6.6.4).
 */
export function canonicalXml(element: XmlElement, without?: XmlElement): string {
  const parts: string[] = []
  write(element, NOTHING, without, parts)
  return parts.join('')
}

function write(
  element: XmlElement,
  rendered: ReadonlyMap<string, string>,
  without: XmlElement | undefined,
  parts: string[],
): void {
  const { name, scope, attributes, children } = element
  parts.push('<', name)
  if (scope !== rendered) {
    // Without a default namespace above, none is declared again (Canonical XML 1.1 §2.3).
    const fresh = [...scope].filter(([prefix, uri]) => uri !== (rendered.get(prefix) ?? ''))
    for (const [prefix, uri] of fresh.toSorted(([a], [b]) => compare(a, b))) {
      parts.push(prefix === '' ? ' xmlns' : ` xmlns:${prefix}`, '="', value(uri), '"')
    }
  }
  const sorted = attributes.length < 2 ? attributes : attributes.toSorted(byExpandedName)
  for (const attribute of sorted) parts.push(' ', attribute.name, '="', value(attribute.value), '"')
  parts.push('>')
  for (const child of children) {
    if (typeof child === 'string') parts.push(text(child))
    else if (child !== without) write(child, scope, without, parts)
  }
  parts.push('</', name, '>')
}

function byExpandedName(a: XmlAttribute, b: XmlAttribute): number {
  return compare(a.namespace, b.namespace) || compare(a.local, b.local)
}

/** Order of UTF-16 code units, which is that of code points for names in ASCII: others are not read. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function text(characters: string): string {
  return characters.replaceAll(/[&<>\r]/g, (character) => TEXT_ESCAPES[character] ?? character)
}

function value(characters: string): string {
  return characters.replaceAll(/[&<"\t\n\r]/g, (character) => VALUE_ESCAPES[character] ?? character)
}
