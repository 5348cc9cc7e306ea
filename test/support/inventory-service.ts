import { startServer } from './http-client.ts'

/** A service for proxies to call. It does not keep the process alive. */
export const inventory = await startServer((req, res) => void res.end(`item of ${req.url}`))
inventory.server.unref()
