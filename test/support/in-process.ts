import { IncomingMessage, type RequestListener, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Writable } from 'node:stream'

/** The number of turns of the event loop that may pass before a response counts as missing. */
const maxTurns = 8

/** Calls a listener without a server, and returns every byte of its response, or what came of it until it stalled. */
export async function respond(listener: RequestListener, method: string, url: string): Promise<string> {
  const req = new IncomingMessage(new Socket())
  Object.assign(req, { method, url, headers: { host: 'localhost' } })
  req.push(null)
  const res = new ServerResponse(req)
  res.sendDate = false
  let bytes = ''
  const socket = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.toString('latin1')
      done()
    },
  })
  res.assignSocket(socket as Socket)
  try {
    listener(req, res)
  } catch (error) {
    return `(threw ${error})`
  }
  for (let turn = 0; turn < maxTurns && !res.writableFinished; turn++) await new Promise(setImmediate)
  return res.writableFinished ? bytes : `${bytes}(stalled)`
}
