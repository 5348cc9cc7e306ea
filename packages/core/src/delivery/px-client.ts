import { Agent, type Dispatcher, request } from 'undici'
import { type DeliveryResult, resultOfAnswer, resultOfError } from './delivery-result.ts'

export type { Dispatcher }

export interface PxClientSettings {
  baseUrl: string
  apiKey: string
  dispatcher: Dispatcher | undefined
  /** For the whole attempt: connecting, headers and body. */
  timeoutMs: number
  now(): number
}

export interface PxClient {
  /** `POST /v1/events/custom` with a frozen body. Never rejects: what happened is the answer. */
  postEvent(body: string): Promise<DeliveryResult>
  /** Breaks off what is still on its way; its outcome is unknown. */
  close(): Promise<void>
}

/** Enough of an answer to say why PX refused; the rest is not read. */
const maxBodyBytes = 2_048
const maxReasonLength = 2_048
const maxConnections = 8

/**
 * Speaks to the PX REST API. Redirects are not followed: a followed POST becomes a GET, whose 200 would look like success.
 */
export function createPxClient({ baseUrl, apiKey, dispatcher, timeoutMs, now }: PxClientSettings): PxClient {
  let agent: Agent | undefined

  function door(): Dispatcher {
    agent ??= dispatcher === undefined ? new Agent({ connections: maxConnections, pipelining: 1 }) : undefined
    return dispatcher ?? (agent as Agent)
  }

  return {
    async postEvent(body) {
      try {
        const answer = await request(`${baseUrl}/v1/events/custom`, {
          method: 'POST',
          headers: {
            'X-APTRINSIC-API-KEY': apiKey,
            'content-type': 'application/json',
            accept: 'application/json',
          },
          body,
          dispatcher: door(),
          signal: AbortSignal.timeout(timeoutMs),
        })
        const retryAfter = [answer.headers['retry-after']].flat()[0]
        const text = await readSome(answer.body)
        const reason = withoutKey(text, apiKey).slice(0, maxReasonLength)
        return resultOfAnswer(answer.statusCode, retryAfter, reason, now())
      } catch (error) {
        return resultOfError(error)
      }
    },

    async close() {
      await agent?.destroy()
      agent = undefined
    },
  }
}

/** The beginning of a body. The status has told already what became of the line, so a body that breaks off is no error. */
async function readSome(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      length += chunk.length
      if (length >= maxBodyBytes) break
    }
  } catch {
    // See above.
  }
  return Buffer.concat(chunks).toString('utf8').trim()
}

/** A proxy may repeat the request in its error page, and what was read of it may end within the key. */
function withoutKey(text: string, apiKey: string): string {
  const mark = '(API key)'
  const clean = text.replaceAll(apiKey, mark)
  for (let length = apiKey.length - 1; length > 3; length--) {
    if (clean.endsWith(apiKey.slice(0, length))) return `${clean.slice(0, -length)}${mark}`
  }
  return clean
}
