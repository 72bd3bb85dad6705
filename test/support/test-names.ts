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

function textOf(name: ts.Expression | undefined): string {
  if (name !== undefined && ts.isStringLiteralLike(name)) return name.text
  if (name === undefined || !ts.isTemplateExpression(name)) throw new Error('A test is named by an expression.')
  return [name.head.text, ...name.templateSpans.map(({ literal }) => literal.text)].join('…')
}
