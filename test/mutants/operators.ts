import ts from 'typescript'

/** A part of a text and what takes its place. */
export interface Replacement {
  start: number
  end: number
  replacement: string
}

/** Replaces `node`, or only says by what. */
type Operator = (node: ts.Node, text: string) => Iterable<Replacement>

/** All small mistakes that can be made in a TypeScript file by rule, in the order of the text. */
export function replacementsIn(text: string): Replacement[] {
  const source = ts.createSourceFile('source.ts', text, ts.ScriptTarget.ESNext, true)
  const found: Replacement[] = []
  const visit = (node: ts.Node) => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node)) return
    for (const operator of operators) found.push(...operator(node, text))
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found.toSorted((one, other) => one.start - other.start || one.end - other.end)
}

function replaced(node: ts.Node, replacement: string): Replacement {
  return { start: node.getStart(), end: node.end, replacement }
}

function* conditions(node: ts.Node): Iterable<Replacement> {
  if (ts.isIfStatement(node)) yield* [replaced(node.expression, 'true'), replaced(node.expression, 'false')]
  if (ts.isConditionalExpression(node)) yield* [replaced(node.condition, 'true'), replaced(node.condition, 'false')]
  if (ts.isWhileStatement(node)) yield replaced(node.expression, 'false')
}

const swaps = new Map([
  ['<', '<='],
  ['<=', '<'],
  ['>', '>='],
  ['>=', '>'],
  ['===', '!=='],
  ['!==', '==='],
  ['&&', '||'],
  ['||', '&&'],
  ['-', '+'],
  ['*', '/'],
  ['/', '*'],
])

function* binaries(node: ts.Node): Iterable<Replacement> {
  if (!ts.isBinaryExpression(node)) return
  const { left, right, operatorToken } = node
  const operator = operatorToken.getText()
  const swap = operator === '+' && !isText(left) && !isText(right) ? '-' : swaps.get(operator)
  // In parentheses, because && and || do not mix with ?? without them.
  if (swap !== undefined) yield replaced(node, `(${left.getText()} ${swap} ${right.getText()})`)
  if (operator === '??') yield replaced(node, left.getText())
}

function isText(node: ts.Node): boolean {
  if (ts.isBinaryExpression(node)) return isText(node.left) || isText(node.right)
  return ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)
}

const comparisons = new Set(['<', '<=', '>', '>=', '===', '!=='])

/** Numbers that something is compared with. */
function* bounds(node: ts.Node): Iterable<Replacement> {
  if (!ts.isNumericLiteral(node) || !ts.isBinaryExpression(node.parent)) return
  if (!comparisons.has(node.parent.operatorToken.getText())) return
  yield replaced(node, /^\d+$/.test(node.text) ? String(Number(node.text) + 1) : '0')
}

function* negations(node: ts.Node): Iterable<Replacement> {
  if (!ts.isPrefixUnaryExpression(node) || node.operator !== ts.SyntaxKind.ExclamationToken) return
  yield replaced(node, node.operand.getText())
}

function* awaits(node: ts.Node): Iterable<Replacement> {
  if (ts.isAwaitExpression(node)) yield replaced(node, node.expression.getText())
}

function* statements(node: ts.Node): Iterable<Replacement> {
  // The same as a condition that is never true.
  const isWholeBranch = ts.isIfStatement(node.parent ?? node)
  if (ts.isThrowStatement(node) && !isWholeBranch) yield replaced(node, ';')
  if (ts.isExpressionStatement(node) && !ts.isYieldExpression(node.expression)) yield replaced(node, ';')
}

function* booleans(node: ts.Node): Iterable<Replacement> {
  if (node.kind === ts.SyntaxKind.TrueKeyword) yield replaced(node, 'false')
  if (node.kind === ts.SyntaxKind.FalseKeyword) yield replaced(node, 'true')
}

const methods = new Map([
  ['some', 'every'],
  ['every', 'some'],
  ['min', 'max'],
  ['max', 'min'],
])
const dropped = new Set(['trim', 'toLowerCase', 'toSorted', 'toReversed', 'filter', 'slice', 'catch', 'normalize'])

function* calls(node: ts.Node): Iterable<Replacement> {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return
  const { name, expression } = node.expression
  const other = methods.get(name.text)
  if (other !== undefined) yield replaced(name, other)
  if (dropped.has(name.text)) yield { start: expression.end, end: node.end, replacement: '' }
}

function* expressions(node: ts.Node, text: string): Iterable<Replacement> {
  if (!ts.isRegularExpressionLiteral(node)) return
  const start = node.getStart()
  const end = node.getStart() + node.text.lastIndexOf('/')
  if (node.text.startsWith('/^')) yield { start: start + 1, end: start + 2, replacement: '' }
  if (text[end - 1] === '$' && text[end - 2] !== '\\') yield { start: end - 1, end, replacement: '' }
  const ignoreCase = text.indexOf('i', end)
  if (ignoreCase !== -1 && ignoreCase < node.end) yield { start: ignoreCase, end: ignoreCase + 1, replacement: '' }
}

const operators: Operator[] = [
  conditions,
  binaries,
  bounds,
  negations,
  awaits,
  statements,
  booleans,
  calls,
  expressions,
]
