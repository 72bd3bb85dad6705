import ts from 'typescript'

/** The names of the tests in the text of a test file. An expression in a name is `…`. */
export function testNamesIn(text: string): string[] {
  const names: string[] = []
  const visit = (node: ts.Node) => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'test')
      names.push(textOf(node.arguments[0]))
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('source.ts', text, ts.ScriptTarget.ESNext, true))
  return names
}

/** The same with each text of the file in the place of an expression, because a table may name the tests. */
export function possibleTestNamesIn(text: string): string[] {
  const texts = textsIn(text)
  return testNamesIn(text).flatMap((name) =>
    name.split('…').flatMap((_, index, parts) => {
      if (index === 0) return [name]
      const before = parts.slice(0, index).join('…')
      const after = parts.slice(index).join('…')
      return texts.map((each) => before + each + after)
    }),
  )
}

function textsIn(text: string): string[] {
  const texts: string[] = []
  const visit = (node: ts.Node) => {
    if (ts.isStringLiteralLike(node) || ts.isIdentifier(node) || ts.isNumericLiteral(node)) texts.push(node.text)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('source.ts', text, ts.ScriptTarget.ESNext, true))
  return texts
}

function textOf(name: ts.Expression | undefined): string {
  if (name !== undefined && ts.isStringLiteralLike(name)) return name.text
  if (name === undefined || !ts.isTemplateExpression(name)) throw new Error('A test is named by an expression.')
  return [name.head.text, ...name.templateSpans.map(({ literal }) => literal.text)].join('…')
}
