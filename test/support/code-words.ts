import ts from 'typescript'

/** In the targets of mutants these are code. */
const quotedCode = new Set(['before', 'after', 'tests'])

/** The column of stored responses, which keeps its name. */
const column = /^'answer'$|\bstrpos\(answer\b|\bfingerprint, answer\b/g

/** The texts, comments, and names in TypeScript, line by line. Responses of a test client are called `answer`, which is left out. */
export function wordsOfCode(text: string): string {
  const source = ts.createSourceFile('source.ts', text, ts.ScriptTarget.ESNext, true)
  const lines = text.split('\n').map(() => '')
  const comments = text.split('')
  const add = (at: number, words: string) => {
    const { line } = source.getLineAndCharacterOfPosition(at)
    words.split('\n').forEach((part, index) => (lines[line + index] += ` | ${part}`))
  }
  const visit = (node: ts.Node): void => {
    const start = node.getStart(source)
    const isText = ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)
    if (isText || ts.isRegularExpressionLiteral(node)) comments.fill(' ', start, node.end)
    if (isText && !isQuotedCode(node)) add(start, text.slice(start, node.end).replaceAll(column, ''))
    if (ts.isIdentifier(node) && !/^answers?$/i.test(node.text)) add(start, inWords(node.text))
    ts.forEachChild(node, visit)
  }
  visit(source)
  for (const { index, 0: comment } of comments.join('').matchAll(/\/\/[^\n]*|\/\*[^]*?\*\//g))
    add(index, comment.replaceAll(/`[^`\n]*`/g, ''))
  return lines.join('\n')
}

function isQuotedCode({ parent }: ts.Node): boolean {
  return ts.isPropertyAssignment(parent) && quotedCode.has(parent.name.getText())
}

function inWords(name: string): string {
  return name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ')
}
