import { pxUsage } from '@px-usage/express'
import express from 'express'
import { useExpressServer } from 'routing-controllers'

const app = express()
const usage = pxUsage({
  identify: (req) => req.user && { userId: req.user.id, accountId: req.user.orgId },
})
app.use(usage)
useExpressServer(app, { routePrefix: '/api', controllers: [OrdersController], authorizationChecker })

// --- the controllers and the authentication
import { expect } from 'vitest'
import { send } from '../../support/http-client.ts'
import { authorizationChecker, OrdersController } from '../../support/orders-controller.ts'

export const listener = app
export const { meter } = usage
export const endpoints = ['/api/orders/:id']
export async function callAsAnn(url: string): Promise<void> {
  // routing-controllers passes the error on after its response, so Express closes the connection.
  const refused = await send(`${url}/api/orders/7`, { headers: { connection: 'close' } })
  expect(refused.status).toBe(401)
  expect((await send(`${url}/api/orders/7`, { headers: { 'x-user': 'ann' } })).status).toBe(200)
  expect(meter.stats().calls.unattributed.anonymous).toBe(1)
}
