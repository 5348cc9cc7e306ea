import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileStore } from '@px-usage/core'
import { pxUsage } from '@px-usage/http'

// An app without a shutdown of its own: the meter closes when the process is asked to end.
const usage = pxUsage({
  identify: (req) => ({ userId: String(req.headers['x-user']) }),
  apiKey: 'key',
  productKey: 'AP-TEST-2',
  baseUrl: 'http://127.0.0.1:9',
  store: fileStore({ dir: process.argv[2] as string }),
  closeOnSignal: true,
})
const server = createServer((req, res) => {
  usage(req, res)
  res.end('ok')
})
server.listen(0, '127.0.0.1', () => console.log('port', (server.address() as AddressInfo).port))
