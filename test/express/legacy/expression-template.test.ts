import { describe, expect, it } from 'vitest'
import type { Layer } from '../../../packages/express/src/layer.ts'
import { pathOfExpression } from '../../../packages/express/src/legacy/expression-template.ts'
import { describeNames, is4, newRouter, ok, routerWith } from '../../support/express-cases.ts'

if (is4)
  describeNames('paths of which Express 4 keeps an expression', [
    {
      name: 'optional parts and constraints in mounts of Express 4',
      for: '4',
      build: (app) =>
        void app.use('/:lang(en|de)?/docs', routerWith('/:page')).use('/n/:n(\\d+)', routerWith('/x')),
      expected: {
        '/en/docs/a': '/:lang(en|de)?/docs/:page',
        '/docs/a': '/:lang(en|de)?/docs/:page',
        '/n/12/x': '/n/:n(\\d+)/x',
      },
    },
    {
      name: 'mounts in every dialect of Express 4, whatever the first request is',
      for: '4',
      build(app) {
        app.use('/Camel/:userId', routerWith('/x')).use('/opt/:a?/end', routerWith('/x'))
        app.use('/re/:y(\\d{4})-:m(\\d\\d)', routerWith('/x')).use('/rest/:p*', routerWith('/x'))
        app.use('/img/:name.:ext', routerWith('/x')).use('/ab?c', routerWith('/x'))
        app.use(['/one/:o', '/two/*'], routerWith('/x')).use('/choice/:c(a|b(c|d))', routerWith('/x'))
      },
      expected: {
        '/camel/1/x': '/Camel/:userId/x',
        '/CAMEL/1/X': '/Camel/:userId/x',
        '/opt/end/x': '/opt/:a?/end/x',
        '/opt/1/end/x': '/opt/:a?/end/x',
        '/re/2026-11/x': '/re/:y(\\d{4})-:m(\\d\\d)/x',
        '/img/a.png/x': '/img/:name.:ext/x',
        '/ac/x': '/ab?c/x',
        '/one/1/x': '/one/:o/x',
        '/choice/bc/x': '/choice/:c(a|b(c|d))/x',
      },
    },
    {
      name: 'routes and mounts with stars, groups, optional parts and expressions',
      for: '4',
      build: (app) => {
        for (const path of [
          '/s/*',
          '/p/:x(\\d+)',
          '/o/:a?/:b?',
          '/e/a.b',
          '/g/ab(cd)?e',
          '/w/:a-:b',
          '/m/*/end',
          '/q/:v?/end',
          '/plus/a+',
          '/t/:tail+',
        ])
          app.use('/mount', routerWith('/never')).use(`/in${path}`, routerWith('/leaf')).get(path, ok)
      },
      expected: {
        '/s/a/b': '/s/*',
        '/p/12': '/p/:x(\\d+)',
        '/o': '/o/:a?/:b?',
        '/o/1/2': '/o/:a?/:b?',
        '/e/a.b': '/e/a.b',
        '/g/abcde': '/g/ab(cd)?e',
        '/g/abe': '/g/ab(cd)?e',
        '/w/1-2': '/w/:a-:b',
        '/m/x/y/end': '/m/*/end',
        '/q/end': '/q/:v?/end',
        '/plus/aaa': '/plus/a+',
        '/in/p/12/leaf': '/in/p/:x(\\d+)/leaf',
        '/in/e/a.b/leaf': '/in/e/a.b/leaf',
        '/in/g/abcde/leaf': '/in/g/ab(cd)?e/leaf',
        '/in/w/1-2/leaf': '/in/w/:a-:b/leaf',
        '/in/m/x/end/leaf': '/in/m/*/end/leaf',
        '/in/q/1/end/leaf': '/in/q/:v?/end/leaf',
        '/in/plus/aa/leaf': '/in/plus/a+/leaf',
      },
    },
    {
      name: 'a star in a mount',
      for: '4',
      build: (app) =>
        void app
          .use(
            '/api/*',
            newRouter().use((_req, res) => void res.json({})),
          )
          .use('/w/*/v', routerWith('/x')),
      expected: { '/api/x': undefined, '/w/1/v/x': '/w/*/v/x' },
    },
  ])

if (!is4)
  it('Express 5 keeps no expression in its layers, so nothing is read from one', () => {
    const [layer] = newRouter().get('/x', ok).stack as unknown[]
    expect(layer).not.toHaveProperty('regexp')
  })

const describeOn4 = is4 ? describe : (_name: string, _tests: () => void) => {}

describeOn4('the path of an expression', () => {
  const options = { sensitive: false, strict: false, end: false }

  it.each([
    [['/users/:id']],
    [['/files/*']],
    [['/maybe/:id?']],
    [['/num/:n(\\d+)']],
    [['/a.b/:x-:y']],
    [['/old/:id', '/new/:id']],
  ])('is read back from that of %j', (paths) => {
    const layer = layerOf(newRouter().use(paths.length === 1 ? paths[0]! : paths, ok))
    expect([pathOfExpression(layer, options)].flat()).toEqual(paths)
  })

  it('is unknown where the app gave an expression of its own', () => {
    const layer = layerOf(newRouter().use(/^\/files\/(\d+)$/, ok))
    expect(pathOfExpression(layer, options)).toBeUndefined()
  })
})

function layerOf(router: unknown): Layer {
  return (router as { stack: Layer[] }).stack[0]!
}
