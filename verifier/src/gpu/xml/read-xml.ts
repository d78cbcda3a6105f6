/** Text outside the one form of XML that is read here. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
}

/** An attribute that is no namespace declaration. */
export interface XmlAttribute {
  /** As written, with its prefix. */
  readonly name: string
  readonly local: string
  /** Empty where the name has no prefix. */
  readonly namespace: string
  readonly value: string
}

/** An element with everything that its canonical form needs. */
export interface XmlElement {
  readonly name: string
  readonly local: string
  readonly namespace: string
  readonly attributes: readonly XmlAttribute[]
  /** Namespaces in scope by prefix; the default one under the empty prefix. */
  readonly scope: ReadonlyMap<string, string>
  readonly children: readonly (XmlElement | string)[]
}

const MAX_CHARACTERS: number = 256 * 1024
const MAX_DEPTH = 16
/** Code points of XML 1.0 §2.2 outside of which nothing may stand. */
// eslint-disable-next-line no-control-regex
const NOT_A_CHARACTER = /[^\t\n\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u
/** XML 1.0 in UTF-8 or a part of it, in either quotes. */
const DECLARATION =
  /^\ufeff?(?:<\?xml version=(["'])1\.0\1(?: encoding=(["'])(?:UTF-8|US-ASCII|ASCII)\2)?(?: standalone=(["'])(?:yes|no)\3)?\s*\?>)?\s*/i
const NAME = /[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?/y
const ATTRIBUTE = /\s+([A-Za-z_:][A-Za-z0-9_.:-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y
const TAG_END = /\s*(\/?)>/y
const CLOSING = /<\/([^\s>]+)\s*>/y
const TEXT = /[^<]+/y
const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
}

/**
 * Reads one element and nothing behind it but white space. Elements, attributes, text, the five named entities and
 * character references are all there is: document types, comments, CDATA, processing instructions and `xml:` attributes
 * are refused, since a signature was moved or hidden by each of them somewhere.
 * @throws XmlError
 */
export function readXml(given: string): XmlElement {
  if (given.length > MAX_CHARACTERS) throw new XmlError(`longer than ${MAX_CHARACTERS} characters`)
  const text = given.replaceAll(/\r\n?/g, '\n')
  const start = DECLARATION.exec(text)?.[0].length ?? 0
  if (NOT_A_CHARACTER.test(text.slice(start))) throw new XmlError('a character outside XML')
  const reader = new XmlReader(text, start)
  const root = reader.element(new Map(), 0)
  if (/\S/.test(text.slice(reader.at))) throw new XmlError('something behind the root element')
  return root
}

class XmlReader {
  readonly #text: string
  at: number

  constructor(text: string, at: number) {
    this.#text = text
    this.at = at
  }

  element(outer: ReadonlyMap<string, string>, depth: number): XmlElement {
    if (depth >= MAX_DEPTH) throw new XmlError(`deeper than ${MAX_DEPTH}`)
    if (this.#text[this.at] !== '<') throw this.#wrong('an element')
    this.at++
    const name = this.#match(NAME, 'a name')[0]
    const { attributes, scope } = this.#attributes(outer)
    const isEmpty = this.#match(TAG_END, 'the end of a tag')[1] === '/'
    const element = { name, ...this.#expanded(name, scope, true), attributes, scope }
    const children = isEmpty ? [] : this.#children(name, scope, depth)
    return { ...element, children }
  }

  #children(
    name: string,
    scope: ReadonlyMap<string, string>,
    depth: number,
  ): readonly (XmlElement | string)[] {
    const children: (XmlElement | string)[] = []
    for (;;) {
      const text = this.#try(TEXT)?.[0]
      if (text !== undefined) {
        // "]]>" may not stand in text (XML 1.0 §2.4).
        if (text.includes(']]>')) throw this.#wrong('text')
        children.push(resolved(text))
      }
      if (this.#text[this.at + 1] !== '/') {
        children.push(this.element(scope, depth + 1))
        continue
      }
      if (this.#match(CLOSING, 'a closing tag')[1] !== name) throw this.#wrong(`</${name}>`)
      return children
    }
  }

  #attributes(outer: ReadonlyMap<string, string>): {
    readonly attributes: readonly XmlAttribute[]
    readonly scope: ReadonlyMap<string, string>
  } {
    const plain = new Map<string, string>()
    const declared = new Map<string, string>()
    for (;;) {
      const found = this.#try(ATTRIBUTE)
      if (found === undefined) break
      const [, name = '', double, single] = found
      const value = resolved((double ?? single ?? '').replaceAll(/[\t\n]/g, ' '))
      const prefix = /^xmlns(?::(.+))?$/.exec(name)
      const into = prefix ? declared : plain
      const key = prefix ? (prefix[1] ?? '') : name
      if (into.has(key)) throw this.#wrong(`${name} once`)
      // Prefixes cannot be taken back, and those that begin so have a meaning of their own.
      if (prefix && key !== '' && (value === '' || key.startsWith('xml')))
        throw this.#wrong('a prefix')
      into.set(key, value)
    }
    const scope = declared.size === 0 ? outer : new Map([...outer, ...declared])
    const attributes = [...plain].map(([name, value]) => ({
      name,
      ...this.#expanded(name, scope, false),
      value,
    }))
    const names = new Set(attributes.map(({ namespace, local }) => `${namespace} ${local}`))
    if (names.size !== attributes.length) throw this.#wrong('each attribute once')
    return { attributes, scope }
  }

  #expanded(
    name: string,
    scope: ReadonlyMap<string, string>,
    isElement: boolean,
  ): { readonly local: string; readonly namespace: string } {
    const parts = name.split(':')
    const [prefix = '', local = ''] = parts.length === 1 ? ['', name] : parts
    if (parts.length > 2 || local === '') throw this.#wrong('a name')
    if (prefix === '') return { local, namespace: isElement ? (scope.get('') ?? '') : '' }
    const namespace = scope.get(prefix)
    if (namespace === undefined) throw this.#wrong(`a declared prefix instead of ${prefix}`)
    return { local, namespace }
  }

  #try(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.#text)
    if (found === null) return undefined
    this.at = pattern.lastIndex
    return found
  }

  #match(pattern: RegExp, what: string): RegExpExecArray {
    const found = this.#try(pattern)
    if (found === undefined) throw this.#wrong(what)
    return found
  }

  #wrong(expected: string): XmlError {
    return new XmlError(`expected ${expected} at character ${this.at}`)
  }
}

/** Text with its references resolved. */
function resolved(text: string): string {
  if (!text.includes('&')) return text
  return text.replaceAll(/&([^;&]*);?/g, (reference, name: string) => {
    const [, hex, decimal] = /^#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}))$/.exec(name) ?? []
    const code = hex === undefined ? Number(decimal ?? Number.NaN) : Number.parseInt(hex, 16)
    const isReal = reference.endsWith(';') && code <= 0x10ffff && code !== 0
    const named = Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : undefined
    const character = isReal ? String.fromCodePoint(code) : named
    const isWrong = character === undefined || !reference.endsWith(';')
    if (isWrong || (character !== '\r' && NOT_A_CHARACTER.test(character))) {
      throw new XmlError('a reference that nobody resolves')
    }
    return character
  })
}
