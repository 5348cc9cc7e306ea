import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const packages = join(import.meta.dirname, '../../packages')
const doors = [
  'core/src/index.ts',
  'core/src/adapter.ts',
  'core/src/testing.ts',
  'http/src/index.ts',
  'express/src/index.ts',
  'koa/src/index.ts',
]
const root = join(packages, '..')
const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
const program = ts.createProgram(
  doors.map((door) => join(packages, door)),
  options,
)
const checker = program.getTypeChecker()

/** What a name stands for, behind all imports and re-exports. */
function original(symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

function isOurs(declaration: ts.Declaration): boolean {
  const file = declaration.getSourceFile().fileName
  return file.startsWith(packages) && !file.includes('/node_modules/')
}

/** Names of types in a declaration that users see: not in the body of a function, nor in a value whose type is written. */
function namesIn(declaration: ts.Node): ts.Node[] {
  const names: ts.Node[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isBlock(node) || isPrivate(node)) return
    if (ts.isTypeReferenceNode(node)) names.push(node.typeName)
    if (ts.isTypeQueryNode(node)) names.push(node.exprName)
    if (ts.isExpressionWithTypeArguments(node)) names.push(node.expression)
    if ((ts.isVariableDeclaration(node) || ts.isParameter(node)) && node.type !== undefined) {
      visit(node.type)
      return
    }
    ts.forEachChild(node, visit)
  }
  visit(declaration)
  return names
}

function isPrivate(node: ts.Node): boolean {
  return ts.isClassElement(node) && node.name !== undefined && ts.isPrivateIdentifier(node.name)
}

/** Types that the exports of a door reach and that cannot be imported from there: `<type> of <what names it>`. */
function unnamed(door: string): string[] {
  const source = program.getSourceFile(join(packages, door)) as ts.SourceFile
  const module = checker.getSymbolAtLocation(source) as ts.Symbol
  const exported = new Set(checker.getExportsOfModule(module).map(original))
  const seen = new Set(exported)
  const found: string[] = []
  for (const symbol of seen) {
    for (const declaration of (symbol.declarations ?? []).filter(isOurs)) {
      for (const name of namesIn(declaration)) {
        const local = checker.getSymbolAtLocation(name)
        const target = local && original(local)
        if (target === undefined || target.flags & ts.SymbolFlags.TypeParameter) continue
        if (!target.declarations?.some(isOurs) || seen.has(target)) continue
        seen.add(target)
        found.push(`${target.name} of ${symbol.name}`)
      }
    }
  }
  return found
}

describe.each(doors)('%s', (door) => {
  it('exports every type of ours that can be reached from what it exports', () => {
    expect(unnamed(door)).toEqual([])
  })
})

it.each(['express', 'koa'])('@px-usage/%s exports all that core exports for apps', (framework) => {
  const names = (door: string) => {
    const source = program.getSourceFile(join(packages, door)) as ts.SourceFile
    return checker.getExportsOfModule(checker.getSymbolAtLocation(source) as ts.Symbol)
  }
  const ours = new Map(names(`${framework}/src/index.ts`).map((symbol) => [symbol.name, original(symbol)]))
  const missing = names('core/src/index.ts').filter((symbol) => ours.get(symbol.name) !== original(symbol))
  expect(missing.map(({ name }) => name)).toEqual([])
})
