import type { OpenAPIV3 } from 'express-openapi-validator/dist/framework/types.js'

/** An API of orders, whose ids are numbers. */
export const apiSpec: OpenAPIV3.DocumentV3 = {
  openapi: '3.0.3',
  info: { title: 'Orders', version: '1.0.0' },
  servers: [{ url: '/v1' }],
  paths: {
    '/orders/{id}': {
      get: {
        operationId: 'getOrder',
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }],
        responses: { 200: { description: 'The order.' } },
      },
    },
  },
}
