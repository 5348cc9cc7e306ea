import { expect, test } from 'vitest'
import { PxError, validationError } from '../../packages/px-emulator/src/px-error.ts'

test.each([
  [400, 'BAD_REQUEST'],
  [401, 'UNAUTHORIZED'],
  [403, 'FORBIDDEN'],
  [404, 'NOT_FOUND'],
  [405, 'METHOD_NOT_ALLOWED'],
  [413, 'PAYLOAD_TOO_LARGE'],
  [429, 'TOO_MANY_REQUESTS'],
  [500, 'INTERNAL_SERVER_ERROR'],
])('the body of %i names the status as Spring does', (statusCode, status) => {
  const error = new PxError(statusCode, 'Sorry')
  expect(error).toBeInstanceOf(Error)
  expect(error.statusCode).toBe(statusCode)
  expect(error.body()).toEqual({
    externalapierror: { status, message: 'Sorry', debugMessage: null, subErrors: null },
  })
})

test('a body has the message of the parser where there is one', () => {
  expect(new PxError(400, 'Malformed', null, 'Unexpected token').body()).toMatchObject({
    externalapierror: { message: 'Malformed', debugMessage: 'Unexpected token' },
  })
})

test('a validation error lists the fields that are wrong', () => {
  const field = { object: 'customEvent', field: 'userType', rejectedValue: 5, message: 'must be a string' }
  const error = validationError([field])
  expect(error.statusCode).toBe(400)
  expect(error.body()).toMatchObject({
    externalapierror: { status: 'BAD_REQUEST', message: 'Validation error', subErrors: [field] },
  })
})
