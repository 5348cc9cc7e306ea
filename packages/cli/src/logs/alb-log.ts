import { decodeBytes } from './decode-bytes.ts'
import { type LogFormat, type LogLine, outcomeOf } from './log-line.ts'
import { timeOf } from './log-time.ts'
import { findRequest } from './request-text.ts'

/** The fields of a line, in their order (AWS, "Access logs for your Application Load Balancer"). Newer versions append more. */
const names = [
  ...['type', 'time', 'elb', 'client', 'target', 'request_processing_time', 'target_processing_time'],
  ...['response_processing_time', 'elb_status_code', 'target_status_code', 'received_bytes', 'sent_bytes'],
  ...['request', 'user_agent', 'ssl_cipher', 'ssl_protocol', 'target_group_arn', 'trace_id', 'domain_name'],
  ...['chosen_cert_arn', 'matched_rule_priority', 'request_creation_time', 'actions_executed'],
] as const

const places = { time: names.indexOf('time'), status: names.indexOf('elb_status_code') }
const requestPlace = names.indexOf('request')

class AlbLine implements LogLine {
  values: string[] = []
  atMs = 0
  method = ''
  path = ''
  status = 0
  aborted = false

  field(name: string): string | undefined {
    const raw = this.rawField(name)
    return raw === undefined ? undefined : decodeBytes(raw)
  }

  rawField(name: string): string | undefined {
    const given = this.values[names.indexOf(name as (typeof names)[number])]
    const value = name === 'client' ? given?.replace(/:\d+$/, '') : given
    return value === undefined || value === '' || value === '-' ? undefined : value
  }

  fields(): Record<string, unknown> {
    return Object.fromEntries(names.map((name) => [name, this.field(name)]))
  }
}

/** Creates the format of the AWS Application Load Balancer. `client` is the address without its port. */
export function createAlbLog(): LogFormat {
  const line = new AlbLine()
  const parts = { methodEnd: 0, pathStart: 0, pathEnd: 0, targetEnd: 0 }
  return {
    name: 'alb',
    parse(text, start, end) {
      line.values = split(text, start, end)
      if (line.values.length <= requestPlace) return 'layout'
      line.atMs = timeOf(line.values[places.time])
      if (Number.isNaN(line.atMs)) return 'time'
      // The load balancer logs `-` if it sent no status before the client left.
      const given = line.values[places.status]
      const logged = given === '-' ? 460 : Number(given)
      if (!Number.isInteger(logged) || logged < 100 || logged > 999) return 'status'
      Object.assign(line, outcomeOf(logged))
      const request = line.values[requestPlace] as string
      if (!findRequest(request, 0, request.length, parts)) return 'request'
      line.method = request.slice(0, parts.methodEnd)
      line.path = request.slice(parts.pathStart, parts.pathEnd)
      return line
    },
  }
}

/** Splits a line at spaces, outside of quotes. A quote inside of quotes is escaped as `\x22` or `\"`. */
function split(text: string, start: number, end: number): string[] {
  const values: string[] = []
  for (let at = start; at < end && values.length < names.length; at += 1) {
    let stop: number
    if (text.charCodeAt(at) === 34) {
      stop = text.indexOf('"', at + 1)
      while (stop !== -1 && text.charCodeAt(stop - 1) === 92) stop = text.indexOf('"', stop + 1)
      if (stop === -1 || stop >= end) return values
      values.push(text.slice(at + 1, stop))
      stop += 1
    } else {
      stop = text.indexOf(' ', at)
      if (stop === -1 || stop > end) stop = end
      values.push(text.slice(at, stop))
    }
    at = stop
  }
  return values
}
