import { expect, it } from 'vitest'
import { matchesMixed, templateVariants } from '../../../packages/cli/src/routes/route-template.ts'

function shown(route: string): string[] {
  return templateVariants(route).map((segments) =>
    segments
      .map((segment) => {
        if (segment.kind === 'literal') return segment.text
        if (segment.kind === 'mixed') return segment.literals.join('?')
        return segment.kind === 'rest' ? '**' : '?'
      })
      .join('/'),
  )
}

it.each([
  ['/', ['']],
  ['/v1/Users/:id', ['v1/users/?']],
  ['/v1/users/', ['v1/users']],
  ['/users/{userId}', ['users/?']],
  ['/users/:id(\\d+)', ['users/?']],
  ['/users/:id((?:a|b)-\\d+)/x', ['users/?/x']],
  ['/users/:id?', ['users/?', 'users']],
  ['/users{/:id}', ['users/?', 'users']],
  ['/a{/:b}{/:c}', ['a/?/?', 'a/?', 'a']],
  ['/files/*', ['files/**']],
  ['/files/*path', ['files/**']],
  ['/files/(.*)', ['files/**']],
  ['/files/:rest(.*)', ['files/**']],
  ['/files/:rest+', ['files/**']],
  ['/files/*/info', ['files/?/info']],
  ['/report-:id.json', ['report-?.json']],
  ['/:from-:to', ['?-?']],
])('the template %s matches as %j', (route, expected) => {
  expect([...new Set(shown(route))].sort()).toEqual([...expected].sort())
})

it('many optional parts do not multiply without a limit', () => {
  expect(templateVariants(`/a${'{/:x}'.repeat(40)}`).length).toBeLessThan(100)
})

it.each([
  ['report-7.json', ['report-', '.json'], true],
  ['report-.json', ['report-', '.json'], false],
  ['a-b', ['', '-', ''], true],
  ['-b', ['', '-', ''], false],
  ['a-', ['', '-', ''], false],
  ['xreport-7.json', ['report-', '.json'], false],
  ['aa', ['a', 'a'], false],
])('%s with the literals %j: %s', (segment, literals, expected) => {
  expect(matchesMixed(segment, literals)).toBe(expected)
})
