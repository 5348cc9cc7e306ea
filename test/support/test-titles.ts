import { readFileSync } from 'node:fs'
import ts from 'typescript'

/** A title in a test file as it is written there: placeholders and expressions are not filled in. */
export interface TestTitle {
  readonly title: string
  /** The titles of the `describe` around it and its own, with ` > ` between them. */
  readonly path: string
  readonly isTest: boolean
  readonly line: number
}

/** Reads the titles of `describe`, `it` and `test` in a file without running it. */
export function titlesIn(path: string): TestTitle[] {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest, true)
  const titles: TestTitle[] = []
  const visit = (node: ts.Node, above: readonly string[]): void => {
    const title = titleOf(node)
    const below = title === undefined ? above : [...above, title.text]
    if (title !== undefined) {
      titles.push({
        title: title.text,
        path: below.join(' > '),
        isTest: title.callee !== 'describe',
        line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1,
      })
    }
    ts.forEachChild(node, (child) => visit(child, below))
  }
  visit(source, [])
  return titles
}

function titleOf(node: ts.Node): { callee: string; text: string } | undefined {
  if (!ts.isCallExpression(node)) return undefined
  const callee = calleeOf(node.expression)
  const [first] = node.arguments
  if (first === undefined || !['describe', 'it', 'test'].includes(callee)) return undefined
  if (ts.isStringLiteralLike(first)) return { callee, text: first.text }
  return ts.isTemplateExpression(first) ? { callee, text: first.getText().slice(1, -1) } : undefined
}

/** Returns `it` for `it('...')` and for `it.each(table)('...')`, whatever modifiers are chained to it. */
function calleeOf(expression: ts.Expression): string {
  if (ts.isIdentifier(expression)) return expression.text
  if (ts.isPropertyAccessExpression(expression) || ts.isCallExpression(expression)) {
    return calleeOf(expression.expression)
  }
  return ''
}
