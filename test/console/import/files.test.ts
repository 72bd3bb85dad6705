import { test, type TestContext } from 'node:test'

import { type Encoding, UnreadableFile } from '../../../console/src/import/decode.ts'
import { firstMapping, foreignCategories, mappingFor, withColumn } from '../../../console/src/import/mapping.ts'
import { fileOf, rowsAt } from '../../../console/src/import/rejected.ts'
import { surveyOf } from '../../../console/src/import/survey.ts'

const german = 'Artikel;Warengruppe;Preis;Lager\r\nGießkanne;Haushalt;1.299,50;ja\r\nKäse;Grocery;2,5;nein\r\n'

test('the encoding of a file is detected', async (t: TestContext) => {
  const mark = '\uFEFF'
  const files: [bytes: Uint8Array, encoding: Encoding][] = [
    [Buffer.from(german), 'utf-8'],
    [Buffer.from(mark + german), 'utf-8'],
    [Buffer.from(german, 'latin1'), 'windows-1252'],
    [Buffer.from(mark + german, 'utf16le'), 'utf-16le'],
    [Buffer.from(german, 'utf16le'), 'utf-16le'],
    [Buffer.from(mark + german, 'utf16le').swap16(), 'utf-16be'],
    [Buffer.from(german, 'utf16le').swap16(), 'utf-16be'],
  ]
  for (const [bytes, encoding] of files) {
    const survey = await surveyOf(fileFrom(bytes))
    t.assert.strictEqual(survey.encoding, encoding)
    t.assert.deepStrictEqual(survey.rows, [
      ['Gießkanne', 'Haushalt', '1.299,50', 'ja'],
      ['Käse', 'Grocery', '2,5', 'nein'],
    ])
    const { columns, sign } = firstMapping(survey)
    t.assert.deepStrictEqual([columns, sign], [['name', 'category', 'price_usd', 'in_stock'], ','])
  }
})

test('text that turns out not to be UTF-8 late is read again', async (t: TestContext) => {
  const lines = 'Tea;Grocery;1;1\n'.repeat(20_000)
  const survey = await surveyOf(fileFrom(Buffer.from(`Name;Category;Price;Stock\n${lines}Käse;Pet;2;1\n`, 'latin1')))
  t.assert.deepStrictEqual([survey.encoding, survey.count], ['windows-1252', 20_001])
})

test('characters are whole wherever chunks of a file end', async (t: TestContext) => {
  const names = Array.from({ length: 9_000 }, (_, index) => `${'ü€😀'.repeat(5)}${index}`)
  const rows = names.map((name) => `"${name}",Pet,1,1\n`).join('')
  const file = fileFrom(Buffer.from(`name,category,price,in_stock\n${rows}`))
  const survey = await surveyOf(file)
  const found = await rowsAt(file, survey, new Set(names.map((_, index) => index + 2)))
  t.assert.deepStrictEqual(
    found.map(({ fields }) => fields[0]),
    names,
  )
})

test('files that are no text are refused with the reason', async (t: TestContext) => {
  const files: [bytes: string | Uint8Array, reason: string][] = [
    ['PK\u0003\u0004…', 'workbook'],
    [Buffer.from('d0cf11e0a1b1', 'hex'), 'workbook'],
    ['%PDF-1.7', 'pdf'],
    [Buffer.from('1f8b0800', 'hex'), 'compressed'],
    [Buffer.from('00000001', 'hex'), 'binary'],
    ['[{"name":"Tea"}]', 'json'],
    ['', 'empty'],
    [' \n\r\n ', 'empty'],
    ['name,category,price,in_stock\n,,,\n', 'no_rows'],
  ]
  for (const [bytes, reason] of files) {
    const refused = (error: unknown) => error instanceof UnreadableFile && error.reason === reason
    await t.assert.rejects(surveyOf(fileFrom(Buffer.from(bytes))), refused, reason)
  }
})

test('the header is found below titles, and after a line sep=', async (t: TestContext) => {
  const texts: [text: string, delimiter: string, line: number, hasHeader: boolean][] = [
    ['Our list;;;\n\nName;Category;Price;Stock\nTea;Pet;1;1\n', ';', 3, true],
    ['sep=\t\nName\tCategory\tPrice\tStock\nTea\tPet\t1\t1\n', '\t', 2, true],
    ['Tea\tPet\t1.50\tyes\nCan\tPet\t2.50\tno\n', '\t', 1, false],
    ['Foo,Bar\nTea,Kettle\n', ',', 1, true],
  ]
  for (const [text, delimiter, line, hasHeader] of texts) {
    const { layout, count, columns } = await surveyOf(fileFrom(Buffer.from(text)))
    t.assert.deepStrictEqual(
      [layout.delimiter, layout.headerLine, layout.hasHeader],
      [delimiter, line, hasHeader],
      text,
    )
    t.assert.deepStrictEqual([count, columns.length], [hasHeader ? 1 : 2, text.startsWith('Foo') ? 2 : 4], text)
  }
})

test('values that are no category are listed with a guess', async (t: TestContext) => {
  const text = 'Name,Group,Type,Price,Stock\nA,Pets,x,1,1\nB,Pet,y,1,1\nC,Garden,z,1,1\n'
  const survey = await surveyOf(fileFrom(Buffer.from(text)))
  const mapping = firstMapping(survey)
  t.assert.deepStrictEqual(foreignCategories(survey, mapping), [
    ['Pets', 'Pet'],
    ['Garden', undefined],
  ])
  const said = { ...mapping, categories: { Garden: 'Household', Pets: undefined } as const }
  t.assert.deepStrictEqual(foreignCategories(survey, said), [
    ['Pets', undefined],
    ['Garden', 'Household'],
  ])
  const moved = withColumn(mapping, 2, 'category', survey)
  t.assert.deepStrictEqual(moved.columns, ['name', undefined, 'category', 'price_usd', 'in_stock'])
  const names = survey.columns.map(({ name }) => name)
  t.assert.strictEqual(mappingFor(survey, said, names), said)
  t.assert.strictEqual(mappingFor(survey, said, names.slice(1)), undefined)
})

test('rows to fix are written as they were, below their header', async (t: TestContext) => {
  const file = fileFrom(Buffer.from(`${german}"Tee; ""grün""";Tee;x;y\r\n`, 'latin1'))
  const survey = await surveyOf(file)
  const rejected = fileOf(await rowsAt(file, survey, new Set([2, 4])), survey)
  const expected = `\uFEFF${german.split('\r\n').slice(0, 2).join('\r\n')}\r\n"Tee; ""grün""";Tee;x;y\r\n`
  t.assert.strictEqual(Buffer.from(await rejected.arrayBuffer()).toString(), expected)
})

function fileFrom(bytes: Uint8Array): Blob {
  return new Blob([Uint8Array.from(bytes)])
}
