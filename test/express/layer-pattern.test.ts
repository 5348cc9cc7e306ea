import express from 'express'
import { describeNames, forgetsMounts, is4, newRouter, ok, routerWith } from '../support/express-cases.ts'

describeNames('a route by its path as it was registered', [
  {
    name: 'the path of a list that matched',
    build: (app) =>
      void app.get(['/old/:id', '/new/:id'], ok).use(['/v1/:t', '/v2'], routerWith(['/x', '/y/:y'])),
    expected: {
      '/old/1': '/old/:id',
      '/new/1': '/new/:id',
      '/v1/a/x': '/v1/:t/x',
      '/v2/x': '/v2/x',
      '/v2/y/1': '/v2/y/:y',
      '/v1/v2/y/1': '/v1/:t/y/:y',
    },
  },
  {
    name: 'a RegExp, which has one name',
    build: (app) => void app.get(/^\/files\/(\d+)$/, ok).use('/v1/:v', routerWith(/^\/img\/.+/)),
    expected: {
      '/files/1': '/^\\/files\\/(\\d+)$/',
      '/files/2': '/^\\/files\\/(\\d+)$/',
      '/v1/1/img/x': '/v1/:v/^\\/img\\/.+/',
    },
  },
  {
    name: 'wildcards and optional parts of Express 4',
    for: '4',
    build(app) {
      app.get('/files/*', ok).get('/maybe/:id?', ok).get('/num/:n(\\d+)', ok).get('/ab+cd', ok)
      app.use('/wild/*', routerWith('/'))
    },
    expected: {
      '/files/a/b': '/files/*',
      '/maybe': '/maybe/:id?',
      '/maybe/1': '/maybe/:id?',
      '/num/5': '/num/:n(\\d+)',
      '/num/x': undefined,
      '/abbcd': '/ab+cd',
      '/wild/anything': '/wild/*',
    },
  },
  {
    name: 'wildcards and optional parts of Express 5',
    for: '5',
    build(app) {
      app.get('/files/*path', ok).get('/maybe{/:id}', ok).get('/:a-:b/pair', ok)
      app.use('/by/:from-:to', routerWith('/x'))
    },
    expected: {
      '/files/a/b': '/files/*path',
      '/maybe': '/maybe{/:id}',
      '/maybe/1': '/maybe{/:id}',
      '/x-y/pair': '/:a-:b/pair',
      '/by/one-two/x': '/by/:from-:to/x',
      '/by/by-x/x': '/by/:from-:to/x',
    },
  },
  {
    name: 'case and trailing slashes',
    build: (app) =>
      void app.use('/Projects/:id', routerWith('/Tasks/')).get('/plain', ok).use('/lower', routerWith('/x')),
    expected: {
      '/Projects/1/Tasks/': '/Projects/:id/Tasks/',
      '/projects/1/tasks': '/Projects/:id/Tasks/',
      '/PLAIN/': '/plain',
      '/LOWER/X/': '/lower/x',
    },
  },
  {
    name: 'percent-encoded parameters',
    build: (app) => void app.use('/t/:t', routerWith('/u/:u')),
    expected: {
      '/t/a%2Fb/u/%F0%9F%98%80': '/t/:t/u/:u',
      '/t/%20/u/100%25': '/t/:t/u/:u',
      '/t/%C3%A9/u/x%2Fy': '/t/:t/u/:u',
    },
  },
  {
    name: 'a parameter that cannot be decoded',
    build: (app) => void app.use('/t/:t', routerWith('/u/:u')),
    expected: { '/t/%zz/u/1': undefined },
  },
  {
    name: 'a mount that is a RegExp',
    build: (app) => void app.use(/^\/re\d+/, routerWith('/x')),
    expected: {
      '/re1/x': forgetsMounts ? '/(regexp)/x' : '/^\\/re\\d+/x',
      '/re22/x': forgetsMounts ? '/(regexp)/x' : '/^\\/re\\d+/x',
    },
  },
  {
    name: 'a route with an empty path',
    build: (app) => void app.use('/v1/:t', routerWith('')),
    expected: { '/v1/1': '/v1/:t' },
  },
  {
    name: 'fixed text with characters that mean something in an expression',
    build: (app) =>
      void app
        .use('/a.b/:x', routerWith('/c.d'))
        .use('/meta$/:x'.replace('$', is4 ? '\\$' : '$'), routerWith('/y'))
        .use('/a-b_c~d/@:scope', routerWith('/y'))
        .use('/caf%C3%A9/:x', routerWith('/y')),
    expected: {
      '/a.b/1/c.d': '/a.b/:x/c.d',
      '/meta$/$1/y': is4 ? '/meta\\$/:x/y' : '/meta$/:x/y',
      '/a-b_c~d/@me/y': '/a-b_c~d/@:scope/y',
      '/caf%C3%A9/a%20b/y': '/caf%C3%A9/:x/y',
      '/caf%C3%A9/caf%C3%A9/y': '/caf%C3%A9/:x/y',
    },
  },
  {
    name: 'routers that are case-sensitive and strict about slashes',
    build(app) {
      const router = express.Router({ caseSensitive: true, strict: true })
      router.use('/Foo/:x', routerWith('/a')).use('/foo/:y', routerWith('/a'))
      router.get('/end', ok).get('/end/', ok)
      app.use('/r', router)
    },
    expected: {
      '/r/Foo/1/a': '/r/Foo/:x/a',
      '/r/foo/1/a': '/r/foo/:y/a',
      '/r/FOO/1/a': undefined,
      '/r/end': '/r/end',
      '/r/end/': '/r/end/',
    },
  },
  {
    name: 'a list of strings and expressions, of a route',
    build: (app) => {
      app.get(['/a/:a', /^\/b(\d+)$/, '/c', /^\/d/, '/e/:e'], ok)
      app.use('/m/:m', routerWith([/^\/x$/, '/:y']))
    },
    expected: {
      '/a/1': '/a/:a',
      '/b12': '/^\\/b(\\d+)$/',
      '/c': '/c',
      '/d1': '/^\\/d/',
      '/e/e': '/e/:e',
      '/m/1/x': '/m/:m/^\\/x$/',
      '/m/1/z': '/m/:m/:y',
    },
  },
  {
    name: 'a list of strings and expressions, of a mount',
    build: (app) => {
      app.use(['/a/:a', /^\/b\d+/, '/c'], routerWith('/x'))
    },
    expected: {
      '/a/1/x': '/a/:a/x',
      '/b12/x': forgetsMounts ? '/(regexp)/x' : '/^\\/b\\d+/x',
      '/c/x': '/c/x',
    },
  },
  {
    name: 'mounts with a slash at the end, an empty path, and slashes of their own',
    build: (app) => {
      app.use('/end/', routerWith('/x')).use('', routerWith('/empty/:e')).use('/p/:p/', routerWith('/'))
    },
    expected: { '/end/x': '/end/x', '/empty/1': '/empty/:e', '/p/1': '/p/:p', '/p/1/': '/p/:p' },
  },
  {
    name: 'a parameter at the root, and what it does not take',
    build: (app) => {
      app.use('/:tenant', routerWith('/x/:x').get('/', ok)).get('/a/b/c', ok)
    },
    expected: { '/a': '/:tenant', '/a/x/b': '/:tenant/x/:x', '/a/b/c': '/a/b/c', '/a/b': undefined },
  },
  {
    name: 'double slashes and dots in a path',
    build: (app) => {
      app.use('/v1', routerWith('/x/:x'))
    },
    expected: {
      '/v1//x/1': is4 ? '/v1/x/:x' : undefined,
      '/v1/x/..': '/v1/x/:x',
      '/v1/x/.': '/v1/x/:x',
      '//v1/x/1': undefined,
    },
  },
  {
    name: 'an expression with flags, with groups, and without an anchor',
    build: (app) => {
      app.get(/^\/year\/(\d{4})$/i, ok).get(/fly$/, ok)
      app.use('/m', routerWith(/^\/([a-z]+)-([a-z]+)$/))
    },
    expected: {
      '/YEAR/2026': '/^\\/year\\/(\\d{4})$/i',
      '/butterfly': '/fly$/',
      '/dragon/fly': '/fly$/',
      '/m/a-b': '/m/^\\/([a-z]+)-([a-z]+)$/',
    },
  },
  {
    name: 'case and slashes as the app sets them',
    build: (app) => {
      const strict = newRouter({ strict: true, caseSensitive: true })
      strict
        .get('/A/:x', ok)
        .get('/a/:x/', ok)
        .use('/m/:m', routerWith('/', ok, { strict: true }))
      app.use('/s', strict)
      app.use('/App', express().enable('strict routing').enable('case sensitive routing').get('/X/', ok))
    },
    expected: {
      '/s/A/1': '/s/A/:x',
      '/s/a/1/': '/s/a/:x/',
      '/s/A/1/': undefined,
      '/s/m/1/': '/s/m/:m',
      '/App/X/': '/App/X/',
      '/app/X': undefined,
      '/app/x/': undefined,
    },
  },
  {
    name: 'a star for every path',
    for: '4',
    build: (app) => void app.get('/x', ok).get('*', ok),
    expected: { '/x': '/x', '/a/b': '*', '/': '*' },
  },
  {
    name: 'a wildcard for every path',
    for: '5',
    build: (app) => void app.get('/x', ok).get('/{*all}', ok),
    expected: { '/x': '/x', '/a/b': '/{*all}', '/': '/{*all}' },
  },
])
