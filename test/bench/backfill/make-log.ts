import { once } from 'node:events'
import { createWriteStream } from 'node:fs'

/** What the lines of a log were made of. */
export interface MadeLog {
  readonly lines: number
  readonly bytes: number
}

export const days = 30
const users = 400
const firstMs = Date.UTC(2026, 8, 1)
const dayMs = 86_400_000
const pieceBytes = 1024 * 1024

/** The routes of the service; a number stands for `:id`. */
const paths: ReadonlyArray<readonly [method: string, path: string]> = [
  ['GET', '/v1/orders'],
  ['POST', '/v1/orders'],
  ['GET', '/v1/orders/#'],
  ['PATCH', '/v1/orders/#'],
  ['GET', '/v1/orders/#/items'],
  ['GET', '/v1/users/#'],
  ['GET', '/v1/users/#/settings?expand=all'],
  ['PUT', '/v1/users/#/settings'],
  ['GET', '/v1/search?q=shoes&page=2'],
  ['DELETE', '/v1/sessions/#'],
]
export const routes = [
  ...new Set(paths.map(([method, path]) => `${method} ${path.replace('#', ':id').replace(/\?.*/, '')}`)),
]

const agents = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
  'okhttp/4.12.0',
  'python-requests/2.32.3',
]
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * Writes a combined log of a size. Its lines are in the order of time, over 30 days. One line in 10,000 is junk, and the last line is torn
 * off. The same size makes the same log.
 */
export async function makeLog(file: string, bytes: number): Promise<MadeLog> {
  const stream = createWriteStream(file)
  const random = randomNumbers(7)
  const linesOfDay = Math.ceil(bytes / averageBytes / days)
  let lines = 0
  let written = 0
  let piece = ''
  for (let day = 0; day < days; day++) {
    for (let at = 0; at < linesOfDay; at++) {
      piece += lineOf(firstMs + day * dayMs + Math.floor((at / linesOfDay) * dayMs), random)
      lines += 1
      if (piece.length < pieceBytes) continue
      written += piece.length
      if (!stream.write(piece, 'latin1')) await once(stream, 'drain')
      piece = ''
    }
  }
  const torn = lineOf(firstMs + days * dayMs - 1_000, random).slice(0, 60)
  stream.end(piece + torn, 'latin1')
  await once(stream, 'close')
  return { lines, bytes: written + piece.length + torn.length }
}

/**
 * Writes a combined log that becomes about `events` events over 30 days: each user calls each route once a day, in the order of time.
 */
export async function makeLogOfUsers(file: string, events: number): Promise<MadeLog> {
  const stream = createWriteStream(file)
  const ofDay = Math.ceil(events / days / (1 + routes.length))
  let bytes = 0
  for (let day = 0; day < days; day++) {
    for (const [at, [method, path]] of paths.slice(0, routes.length).entries()) {
      const time = timeText(firstMs + day * dayMs + at * 3_600_000)
      const target = path.replace('#', '17')
      let piece = ''
      for (let user = 0; user < ofDay; user++) {
        piece += `10.1.7.9 - user-${user} [${time}] "${method} ${target} HTTP/1.1" 200 1234 "-" "okhttp/4.12.0"\n`
      }
      bytes += piece.length
      if (!stream.write(piece, 'latin1')) await once(stream, 'drain')
    }
  }
  stream.end()
  await once(stream, 'close')
  return { lines: days * routes.length * ofDay, bytes }
}

/** Bytes of a line, measured. */
const averageBytes = 146.6

function lineOf(atMs: number, random: () => number): string {
  const choice = random()
  if (choice % 10_000 === 0) return 'worker process 4711 exited on signal 9\n'
  // The product makes some users much more active than others.
  const user = Math.floor(((choice % 1_000) * ((choice >>> 10) % 1_000) * users) / 1_000_000)
  const [method, path] = paths[(choice >>> 4) % paths.length] as readonly [string, string]
  const number = random()
  const isUnknown = number % 50 === 0
  const status = isUnknown ? 404 : number % 97 === 0 ? 500 : 200
  const target = isUnknown ? '/wp-login.php' : path.replace('#', String(number % 100_000))
  const name = number % 33 === 0 ? '-' : `user-${user}`
  const agent = agents[number % agents.length]
  return `10.${user & 255}.7.9 - ${name} [${timeText(atMs)}] "${method} ${target} HTTP/1.1" ${status} ${number % 20_000} "-" "${agent}"\n`
}

let lastSecond = -1
let lastText = ''

function timeText(atMs: number): string {
  const second = Math.floor(atMs / 1_000)
  if (second === lastSecond) return lastText
  lastSecond = second
  const [date = '', time = ''] = new Date(second * 1_000).toISOString().slice(0, 19).split('T')
  const [year, month, day] = date.split('-')
  lastText = `${day}/${months[Number(month) - 1]}/${year}:${time} +0000`
  return lastText
}

/** Numbers of 32 bits that are the same in each run (Marsaglia's xorshift). */
function randomNumbers(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
