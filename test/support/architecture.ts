import { basename, dirname, join, normalize } from 'node:path'

/** Source files by their path from `packages`, such as `core/src/model/store.ts`, with their text. */
export type Sources = ReadonlyMap<string, string>

/** One import of a source file. `to` is a source file where `from` is relative, and otherwise `undefined`. */
export interface Import {
  readonly file: string
  readonly from: string
  readonly to: string | undefined
}

export interface Layout {
  /** Which of our packages a package may import. */
  readonly packages: Readonly<Record<string, readonly string[]>>
  /** Rooms of core from left to right: a room imports only rooms to its left. */
  readonly rooms: readonly string[]
  /** Root files of core from left to right. Every room may import them. */
  readonly openFiles: readonly string[]
  /** Root files of core that may import every room, and that no file of core may import. */
  readonly doors: readonly string[]
  readonly mostFilesOfRoom: number
  readonly mostLinesOfFile: number
}

/** Imports and exports with `from`, of values and types, and imports for their effects alone. */
const statement = /^[ \t]*(?:import|export)\b(?:[^;'"`=]*?\bfrom\s*|\s*)['"]([^'"\n]+)['"]/gm
/** `import('...')`, at run time, in a type, or in a JSDoc comment of a script. */
const expression = /\bimport\(\s*['"]([^'"\n]+)['"]/g

/** All imports of all files, those of types included. */
export function importsOf(sources: Sources): Import[] {
  return [...sources].flatMap(([file, text]) =>
    [...text.matchAll(statement), ...text.matchAll(expression)].map(([, from = '']) => ({
      file,
      from,
      to: from.startsWith('.') ? normalize(join(dirname(file), from)) : undefined,
    })),
  )
}

/** @returns a sentence for each violation, with the files and the rule */
export function violationsOf(sources: Sources, layout: Layout): string[] {
  const imports = importsOf(sources)
  return [
    ...packageOrder(sources, imports, layout),
    ...roomOrder(sources, imports, layout),
    ...circles(imports),
    ...sizes(sources, layout),
  ]
}

function packageOrder(sources: Sources, imports: readonly Import[], { packages }: Layout): string[] {
  const unknown = [...new Set([...sources.keys()].map(packageOf))].filter((name) => !(name in packages))
  const found = unknown.map((name) => `${name}: the order of packages does not name this package`)
  for (const { file, from, to } of imports) {
    const own = packageOf(file)
    const ours = /^@px-usage\/([^/]+)|^(px-emulator)(?:\/|$)/.exec(from)
    const target = to === undefined ? (ours?.[1] ?? ours?.[2]) : packageOf(to)
    if (target === undefined || (to !== undefined && target === own)) continue
    if (to === undefined && packages[own]?.includes(target)) continue
    const allowed = packages[own]?.join(', ') || 'none'
    found.push(`${file} imports ${to ?? from}: ${own} may import of our packages ${allowed}, by name`)
  }
  return found
}

function roomOrder(sources: Sources, imports: readonly Import[], layout: Layout): string[] {
  const { rooms, openFiles, doors } = layout
  const found: string[] = []
  for (const file of sources.keys()) {
    if (!file.startsWith('core/src/') || placeOf(file, layout) !== undefined) continue
    found.push(
      `${file}: the order of core names neither this room nor this root file (${[...rooms, ...openFiles, ...doors].join(', ')})`,
    )
  }
  for (const { file, to } of imports) {
    if (!file.startsWith('core/src/') || !to?.startsWith('core/src/')) continue
    const own = placeOf(file, layout)
    const target = placeOf(to, layout)
    if (own === undefined || target === undefined) continue
    if (target.kind === 'door') {
      found.push(`${file} imports ${to}: no file of core imports one of its doors (${doors.join(', ')})`)
    } else if (target.at > own.at) {
      found.push(`${file} imports ${to}: a file imports only what lies to its left (${order(layout)})`)
    }
  }
  return found
}

function order({ rooms, openFiles }: Layout): string {
  return [...openFiles, ...rooms].join(', ')
}

/** Open files come before all rooms, doors after them. `undefined` for a file that has no place. */
function placeOf(
  file: string,
  { rooms, openFiles, doors }: Layout,
): { kind: 'open' | 'room' | 'door'; at: number } | undefined {
  const [name = '', inRoom] = file.slice('core/src/'.length).split('/')
  if (inRoom !== undefined) {
    const room = rooms.indexOf(name)
    return room === -1 ? undefined : { kind: 'room', at: openFiles.length + room }
  }
  if (doors.includes(name)) return { kind: 'door', at: Number.POSITIVE_INFINITY }
  const open = openFiles.indexOf(name)
  return open === -1 ? undefined : { kind: 'open', at: open }
}

/** One circle for each set of files that import each other, the shortest through its first file. */
function circles(imports: readonly Import[]): string[] {
  const next = new Map<string, string[]>()
  for (const { file, to } of imports) {
    if (to !== undefined) next.set(file, [...(next.get(file) ?? []), to])
  }
  const known = new Set<string>()
  const found: string[] = []
  for (const start of [...next.keys()].sort()) {
    if (known.has(start)) continue
    const circle = shortestCircle(start, next)
    if (circle === undefined) continue
    for (const file of circle) known.add(file)
    found.push(`${[...circle, start].join(' imports ')}: no circles`)
  }
  return found
}

function shortestCircle(start: string, next: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const cameFrom = new Map<string, string>()
  const queue = [start]
  for (const file of queue) {
    for (const target of next.get(file) ?? []) {
      if (target === start) {
        const circle = [file]
        while (circle[0] !== start) circle.unshift(cameFrom.get(circle[0] as string) as string)
        return circle
      }
      if (cameFrom.has(target)) continue
      cameFrom.set(target, file)
      queue.push(target)
    }
  }
  return undefined
}

function sizes(sources: Sources, { doors, mostFilesOfRoom, mostLinesOfFile }: Layout): string[] {
  const found: string[] = []
  const rooms = new Map<string, string[]>()
  for (const [file, text] of sources) {
    // The doors of a package lead into its rooms, and are in none of them.
    const isDoor = basename(dirname(file)) === 'src' && doors.includes(basename(file))
    if (!isDoor) rooms.set(dirname(file), [...(rooms.get(dirname(file)) ?? []), basename(file)])
    const lines = text.split('\n').length - 1
    if (lines > mostLinesOfFile) {
      found.push(`${file} has ${lines} lines: a file has at most ${mostLinesOfFile}`)
    }
  }
  for (const [room, files] of rooms) {
    if (files.length > mostFilesOfRoom) {
      found.push(`${room} has ${files.length} files: a room has at most ${mostFilesOfRoom}`)
    }
  }
  return found
}

function packageOf(file: string): string {
  return file.split('/')[0] as string
}
