import { expect, it } from 'vitest'
import { parseOptionTexts } from '../../packages/px-emulator/src/option-texts.ts'

const none = { port: '0', userAttributes: [], accountAttributes: [], switches: [] }

it('parses attributes with their types, and switches with numbers, null and texts', () => {
  const given = {
    ...{ port: '7070', userAttributes: ['apiCalls:NUMBER', 'plan'], accountAttributes: ['seats:NUMBER'] },
    switches: ['requestsPerDay=5', 'oldestEventDays=null', 'unknownUser=drop', 'createdBody='],
  }
  expect(parseOptionTexts(given)).toEqual({
    port: 7_070,
    attributes: {
      user: [
        { apiName: 'apiCalls', type: 'NUMBER' },
        { apiName: 'plan', type: 'STRING' },
      ],
      account: [{ apiName: 'seats', type: 'NUMBER' }],
    },
    switches: { requestsPerDay: 5, oldestEventDays: null, unknownUser: 'drop', createdBody: '' },
  })
})

it.each(['', '-1', '70000', 'http', '1e3'])('refuses the port %j', (port) => {
  expect(() => parseOptionTexts({ ...none, port })).toThrow(`--port ${port} is not a port from 0 to 65535.`)
})
