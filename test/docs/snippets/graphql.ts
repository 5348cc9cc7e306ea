import { expressMiddleware } from '@as-integrations/express5'
import { graphqlOperation, pxUsage } from '@px-usage/express'
import express from 'express'

const app = express()
const usage = pxUsage({
  identify,
  endpoint: (req) => (req.baseUrl === '/graphql' ? graphqlOperation(req.body) : undefined),
})
app.use(usage)
app.use('/graphql', express.json(), expressMiddleware(server)) // an ApolloServer that has started

// --- the server and what the app knows of its callers
import { expect } from 'vitest'
import { server } from '../../support/apollo-server.ts'

function identify(req: express.Request) {
  return { userId: String(req.get('x-user')) }
}

export const listener = app
export const { meter } = usage
export const endpoints = ['Orders', '(anonymous)', '(invalid)']
export async function callAsAnn(url: string): Promise<void> {
  const ask = async (body: object) => {
    const headers = { 'x-user': 'ann', 'content-type': 'application/json' }
    const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify(body) })
    return response.status
  }
  expect(await ask({ operationName: 'Orders', query: 'query Orders { orders }' })).toBe(200)
  expect(await ask({ query: 'query Orders { orders }' })).toBe(200)
  expect(await ask({ query: '{ orders }' })).toBe(200)
  expect(await ask({ operationName: '<b>', query: '{ orders }' })).toBe(400)
}
