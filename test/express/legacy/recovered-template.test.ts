import { describeNames, ok, routerWith } from '../../support/express-cases.ts'

describeNames('mounts whose path the router does not keep', [
  {
    name: 'values that look like fixed segments, other values, templates and expressions',
    build(app) {
      const tree = routerWith('/items/:iid', ok, { mergeParams: true })
      app.use('/v1/projects/:pid', tree).use('/:x/:y/z', routerWith('/:w'))
    },
    expected: {
      '/v1/projects/projects/items/items': '/v1/projects/:pid/items/:iid',
      '/v1/projects/v1/items/v1': '/v1/projects/:pid/items/:iid',
      '/v1/projects/:pid/items/:iid': '/v1/projects/:pid/items/:iid',
      '/v1/projects/$1/items/$&': '/v1/projects/:pid/items/:iid',
      '/v1/projects/a.b*c+(d)/items/[x]': '/v1/projects/:pid/items/:iid',
      '/a/a/z/a': '/:x/:y/z/:w',
      '/z/z/z/z': '/:x/:y/z/:w',
      '/1/11/z/111': '/:x/:y/z/:w',
    },
  },
  {
    name: 'wildcards and optional parts in mounts of Express 5',
    for: '5',
    build: (app) =>
      void app
        .use('/opt{/:a}', routerWith('/end'))
        .use('/w/*rest/fixed', routerWith('/x'))
        .use('/img/:name.:ext', routerWith('/x')),
    expected: {
      '/opt/1/end': '/opt{/:a}/end',
      '/w/a/b/fixed/x': '/w/*rest/fixed/x',
      '/w/fixed/fixed/x': '/w/*rest/fixed/x',
      '/w/a%2Fb/fixed/x': '/w/*rest/fixed/x',
      '/img/a.png/x': '/img/:name.:ext/x',
    },
  },
  {
    name: 'values in every spelling, in the mount and in the route',
    build: (app) => {
      app.use('/m/:m', routerWith('/x/:x', ok, { mergeParams: true }))
    },
    expected: Object.fromEntries(
      [
        '%2F',
        '%2f%2F',
        '$&',
        '$1',
        '(.*)',
        ':x',
        '*',
        '.',
        'a.b.c',
        '%20',
        'a+b',
        '%F0%9F%98%80',
        '%25',
        '~',
        "'",
        '%E2%80%AE',
        'm',
        'x',
        '-',
        '%5B%5D',
        '%2e%2e',
        'a%3Fb',
        'a%23b',
        '{a}',
        'px9usage9marker',
        'x'.repeat(2000),
      ].flatMap((value) => [
        [`/m/${value}/x/${value}`, '/m/:m/x/:x'],
        [`/m/${value}/x/1`, '/m/:m/x/:x'],
        [`/M/m/X/${value}?m=${value}`, '/m/:m/x/:x'],
      ]),
    ),
  },
  {
    name: 'several params in one segment of a mount',
    build: (app) => {
      app.use('/f/:from-:to', routerWith('/x')).use('/v:major.:minor', routerWith('/:x'))
    },
    expected: {
      '/f/a-b/x': '/f/:from-:to/x',
      '/f/a-a/x': '/f/:from-:to/x',
      '/f/f-f/x': '/f/:from-:to/x',
      '/v1.1/v1.1': '/v:major.:minor/:x',
      '/v1.2/a': '/v:major.:minor/:x',
    },
  },
  {
    name: 'a value that equals the fixed text before or behind it',
    build: (app) => {
      app.use('/a/:a/a/:b/a', routerWith('/a/:c')).use('/:x/b/:y/b/:z', routerWith('/'))
    },
    expected: {
      '/a/a/a/a/a/a/a': '/a/:a/a/:b/a/a/:c',
      '/a/1/a/a/a/a/1': '/a/:a/a/:b/a/a/:c',
      '/b/b/b/b/b': '/:x/b/:y/b/:z',
      '/1/b/b/b/1': '/:x/b/:y/b/:z',
    },
  },
  {
    name: 'routes and mounts with wildcards, optional parts and escapes',
    for: '5',
    build: (app) => {
      for (const path of [
        '/s/*splat',
        '/o{/:a}{/:b}',
        '/e/a\\*b',
        '/q{/:v}/end',
        '/m/*mid/end',
        '/f/:name{.:ext}',
        '/c/\\:id',
        '/r{/*rest}',
        '/r{/*rest}/x',
      ])
        app.use(`/in${path}`, routerWith('/leaf')).get(path, ok)
    },
    expected: {
      '/s/a/b': '/s/*splat',
      '/o': '/o{/:a}{/:b}',
      '/o/1/2': '/o{/:a}{/:b}',
      '/e/a*b': '/e/a\\*b',
      '/q/end': '/q{/:v}/end',
      '/m/x/y/end': '/m/*mid/end',
      '/f/a.txt': '/f/:name{.:ext}',
      '/f/a': '/f/:name{.:ext}',
      '/c/:id': '/c/\\:id',
      '/r': '/r{/*rest}',
      '/in/o/1/2/leaf': '/in/o{/:a}{/:b}/leaf',
      '/in/r/1/2/x/leaf': '/in/r{/*rest}/x/leaf',
      '/in/r/x/leaf': '/in/r{/*rest}/x/leaf',
      '/in/q/1/end/leaf': '/in/q{/:v}/end/leaf',
      '/in/q/end/leaf': '/in/q{/:v}/end/leaf',
      '/in/m/x/end/leaf': '/in/m/*mid/end/leaf',
      '/in/e/a*b/leaf': '/in/e/a\\*b/leaf',
      '/in/c/:id/leaf': '/in/c/\\:id/leaf',
    },
  },
])
