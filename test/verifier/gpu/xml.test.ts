import { describe, expect, test } from 'vitest'
import { canonicalXml } from '../../../verifier/src/gpu/xml/canonical-xml.ts'
import { readXml, XmlError, type XmlElement } from '../../../verifier/src/gpu/xml/read-xml.ts'

describe('canonical form', () => {
  test.each([
    ['<a/>', '<a></a>'],
    ['<?xml version="1.0" encoding="UTF-8"?>\n<a/>\n', '<a></a>'],
    ['<a  b = "1"\n c="2" />', '<a b="1" c="2"></a>'],
    ["<a z='1' b='2'/>", '<a b="2" z="1"></a>'],
    ['<a>\r\n<b/>\r</a>', '<a>\n<b></b>\n</a>'],
    ['<a b="x\ty\nz"/>', '<a b="x y z"></a>'],
    ['<a b="&#9;&#10;&#13;"/>', '<a b="&#x9;&#xA;&#xD;"></a>'],
    ['<a>&lt;&gt;&amp;&quot;&apos;&#13;</a>', '<a>&lt;&gt;&amp;"\'&#xD;</a>'],
    ['<a b="&lt;&gt;&amp;&quot;&apos;"/>', '<a b="&lt;>&amp;&quot;\'"></a>'],
    ['<a xmlns:z="1" xmlns="2" xmlns:b="3"/>', '<a xmlns="2" xmlns:b="3" xmlns:z="1"></a>'],
    ['<a xmlns="1"><b xmlns="1"/></a>', '<a xmlns="1"><b></b></a>'],
    ['<a xmlns="1"><b xmlns=""/></a>', '<a xmlns="1"><b xmlns=""></b></a>'],
    ['<a><b xmlns=""/></a>', '<a><b></b></a>'],
    [
      '<a xmlns:p="1"><b xmlns:p="2"><c xmlns:p="1"/></b></a>',
      '<a xmlns:p="1"><b xmlns:p="2"><c xmlns:p="1"></c></b></a>',
    ],
    [
      '<a xmlns:y="1" xmlns:x="2" x:b="1" y:b="2" c="3"/>',
      '<a xmlns:x="2" xmlns:y="1" c="3" y:b="2" x:b="1"></a>',
    ],
  ])('%s', (given, wanted) => {
    expect(canonicalXml(readXml(given))).toBe(wanted)
    expect(canonicalXml(readXml(wanted))).toBe(wanted)
  })

  test('an element inside is rendered with every namespace of its scope', () => {
    const root = readXml('<a xmlns="1" xmlns:p="2"><p:b xmlns:q="3"/> </a>')
    const [inner] = root.children as readonly XmlElement[]
    if (inner === undefined) throw new Error('no child')
    expect(canonicalXml(inner)).toBe('<p:b xmlns="1" xmlns:p="2" xmlns:q="3"></p:b>')
    expect(canonicalXml(root, inner)).toBe('<a xmlns="1" xmlns:p="2"> </a>')
  })
})

describe('refused', () => {
  test.each([
    '',
    'text',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    '<a/>text',
    '<!DOCTYPE a><a/>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    '<a>&b;</a>',
    '<a>&constructor;</a>',
    '<a>&__proto__;</a>',
    '<a>&amp</a>',
    '<a>&#0;</a>',
    '<a>&#x110000;</a>',
    '<a>&#xD800;</a>',
    '<a><!-- b --></a>',
    '<a><![CDATA[b]]></a>',
    '<a>]]></a>',
    '<a><?b c?></a>',
    '<?b c?><a/>',
    '<?xml version="1.1"?><a/>',
    '<?xml version="1.0" encoding="UTF-16"?><a/>',
    '<a b="1" b="2"/>',
    '<a xmlns:p="1" xmlns:q="1" p:b="1" q:b="2"/>',
    '<a xmlns="1" xmlns="2"/>',
    '<a b="<"/>',
    '<a b=1/>',
    '<a b/>',
    '<a b="1"c="2"/>',
    '<p:a/>',
    '<a p:b="1"/>',
    '<a xmlns:p=""/>',
    '<a xmlns:xmlns="1"/>',
    '<a xml:lang="de"/>',
    '<a xmlns:xml="http://www.w3.org/XML/1998/namespace"/>',
    '<a:b:c xmlns:a="1"/>',
    '<é/>',
    '<a>\u0001</a>',
    '<a>\ufffe</a>',
    `${'<a>'.repeat(17)}${'</a>'.repeat(17)}`,
  ])('%s', (given) => {
    expect(() => readXml(given)).toThrow(XmlError)
  })

  test('more text than any RIM has', () => {
    expect(() => readXml(`<a>${' '.repeat(256 * 1024)}</a>`)).toThrow(XmlError)
  })
})
