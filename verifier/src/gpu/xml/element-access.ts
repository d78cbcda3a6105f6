import { XmlError, type XmlElement } from './read-xml.ts'

/** Elements of one namespace inside another, white space between them aside. @throws XmlError on other text */
export function childElements(parent: XmlElement): readonly XmlElement[] {
  return parent.children.filter((child): child is XmlElement => {
    if (typeof child !== 'string') return true
    if (/\S/.test(child)) throw new XmlError(`${parent.local}: text between elements`)
    return false
  })
}

/** The one child of that name. @throws XmlError */
export function onlyChild(parent: XmlElement, namespace: string, local: string): XmlElement {
  const named = childElements(parent).filter((child) => child.local === local)
  const [found] = named
  if (!found || named.length > 1 || found.namespace !== namespace) {
    throw new XmlError(`${parent.local}: expected one ${local}, got ${named.length}`)
  }
  return found
}

/** Text of an element that holds nothing else. @throws XmlError */
export function textOf({ local, children }: XmlElement): string {
  const [text = '', ...more] = children
  if (typeof text !== 'string' || more.length > 0) throw new XmlError(`${local}: expected text`)
  return text
}

/** An attribute's value; undefined where there is none. */
export function attributeOf(
  { attributes }: XmlElement,
  local: string,
  namespace = '',
): string | undefined {
  return attributes.find((found) => found.local === local && found.namespace === namespace)?.value
}
