/**
 * Installs the tarballs of all packages into apps as users have them, runs each app, and prints a table: `npm run apps`.
 * `npm run apps -- jest yarn` runs those whose title contains one of the words.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { argv, env, exit } from 'node:process'
import { packAll, type Tarball } from './pack.ts'
import { table } from './table.ts'

interface App {
  readonly title: string
  /** The folders of `apps/` whose files the app consists of. */
  readonly files: readonly string[]
  /** Those of our packages that the app names in its package.json. */
  readonly ours: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
  readonly packageJson?: object
  readonly install?: string
  readonly checks: readonly Check[]
}

interface Check {
  readonly title: string
  readonly command: string
}

const npmInstall = 'npm install --no-audit --no-fund --loglevel=error'
const express = { express: '^5.3.0', koa: '^3.3.0' }
const older = { express: '^4.22.3', koa: '^2.16.4' }
const adapters = ['@px-usage/express', '@px-usage/koa']

const runs: readonly Check[] = [
  { title: 'CommonJS, Express', command: 'node express.cjs' },
  { title: 'CommonJS, Koa', command: 'node koa.cjs' },
  { title: 'ES module, Express', command: 'node express.mjs' },
  { title: 'ES module, Koa', command: 'node koa.mjs' },
]

interface Compilation {
  readonly extensions: readonly string[]
  readonly options: object
  readonly apps?: readonly string[]
  readonly compiler?: string
}

/** Compiles the same two apps, in files of each kind that the settings distinguish. */
function compile(title: string, compilation: Compilation): Check {
  const { extensions, options, apps: names = ['express', 'koa'], compiler = 'typescript' } = compilation
  const settings = {
    compilerOptions: {
      ...{ target: 'es2022', strict: true, noEmit: true, esModuleInterop: true, types: ['node'] },
      ...{ skipLibCheck: true, ...options },
    },
    files: extensions.flatMap((extension) => names.map((name) => `${name}.${extension}`)),
  }
  const file = `tsconfig.${title.replace(/\W+/g, '-')}.json`
  const write = `node -e "fs.writeFileSync('${file}', process.argv[1])" '${JSON.stringify(settings)}'`
  const copies = ['mts', 'cts'].flatMap((extension) =>
    names.map((name) => `cp ${name}.ts ${name}.${extension}`),
  )
  return {
    title: `TypeScript, ${title}`,
    command: [...copies, write, `node node_modules/${compiler}/bin/tsc -p ${file}`].join(' && '),
  }
}

const bothKinds = ['mts', 'cts']
const exact = { module: 'nodenext', exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }
const compilations: readonly Check[] = [
  compile('node16', { extensions: bothKinds, options: { module: 'node16' } }),
  compile('nodenext', { extensions: bothKinds, options: { module: 'nodenext' } }),
  compile('bundler', { extensions: ['ts'], options: { module: 'esnext', moduleResolution: 'bundler' } }),
  compile('node10', {
    extensions: ['ts'],
    options: { module: 'commonjs', moduleResolution: 'node10', ignoreDeprecations: '6.0' },
  }),
  compile('exactOptionalPropertyTypes', { extensions: bothKinds, options: exact }),
  // Without Koa, whose types do not compile beside the newest content-disposition.
  compile('exactOptionalPropertyTypes, our declarations checked', {
    extensions: bothKinds,
    apps: ['express'],
    options: { ...exact, skipLibCheck: false },
  }),
]

const banner = "import { createRequire } from 'module'; const require = createRequire(import.meta.url);"
/** A bundle is run in a folder that has no node_modules. */
const alone = 'rm -rf ../alone && mkdir ../alone && mv bundle.* ../alone'

const apps: readonly App[] = [
  {
    title: 'Express 5, Koa 3',
    files: ['run', 'types'],
    ours: [...adapters, '@px-usage/core'],
    dependencies: {
      ...express,
      ...{ typescript: '~6.0.3', 'typescript-5': 'npm:typescript@~5.6.3' },
      ...{ '@types/express': '^5.0.6', '@types/koa': '^3.0.3', '@types/node': '^20.19.0' },
    },
    checks: [
      ...runs,
      { title: 'three copies of core in one process', command: 'node two-copies.cjs' },
      ...compilations,
      compile('5.6 nodenext', {
        extensions: bothKinds,
        options: { module: 'nodenext' },
        compiler: 'typescript-5',
      }),
    ],
  },
  {
    title: 'Express 4, Koa 2',
    files: ['run', 'types'],
    ours: adapters,
    dependencies: {
      ...older,
      ...{ typescript: '~6.0.3' },
      ...{ '@types/express': '^4.17.25', '@types/koa': '^2.15.0', '@types/node': '^20.19.0' },
    },
    checks: [...runs, ...compilations],
  },
  {
    title: 'bundlers',
    files: ['run'],
    ours: adapters,
    dependencies: { ...express, esbuild: '^0.28.2', webpack: '^5.0.0', 'webpack-cli': '^6.0.0' },
    checks: [
      {
        title: 'esbuild to CommonJS',
        command:
          `esbuild express.mjs --bundle --platform=node --format=cjs --outfile=bundle.cjs --log-level=warning && ${alone} && node ../alone/bundle.cjs`.replace(
            'express.mjs',
            'express.cjs',
          ),
      },
      {
        title: 'esbuild to an ES module',
        command: `esbuild express.mjs --bundle --platform=node --format=esm --outfile=bundle.mjs --log-level=warning --banner:js="${banner}" && ${alone} && node ../alone/bundle.mjs`,
      },
      {
        title: 'esbuild, minified, Koa',
        command: `esbuild koa.cjs --bundle --minify --platform=node --format=cjs --outfile=bundle.cjs --log-level=warning && ${alone} && node ../alone/bundle.cjs`,
      },
      {
        title: 'esbuild leaves out an unused import',
        command:
          "echo \"import '@px-usage/express'; import '@px-usage/koa'\" > unused.mjs && esbuild unused.mjs --bundle --platform=node --format=esm --outfile=unused.out.mjs --log-level=error && cat unused.out.mjs && test $(wc -c < unused.out.mjs) -lt 100",
      },
      {
        title: 'webpack',
        command: `webpack --mode production --target node20 --entry ./express.cjs --output-path . --output-filename bundle.cjs && ${alone} && node ../alone/bundle.cjs`,
      },
    ],
  },
  {
    title: 'Jest',
    files: ['jest'],
    ours: ['@px-usage/express'],
    dependencies: { express: '^5.3.0', jest: '^30.0.0', supertest: '^7.0.0' },
    checks: [
      {
        title: 'exits by itself, no open handle',
        command:
          'timeout 60 jest --detectOpenHandles > out 2>&1; s=$?; cat out; ! grep -q "did not exit\\|open handle" out && exit $s',
      },
    ],
  },
  {
    title: 'Vitest',
    files: ['vitest'],
    ours: ['@px-usage/express'],
    dependencies: { express: '^5.3.0', vitest: '^4.1.12', supertest: '^7.0.0' },
    checks: [
      {
        title: 'exits by itself',
        command:
          'timeout 60 vitest run > out 2>&1; s=$?; cat out; ! grep -q "close timed out" out && exit $s',
      },
    ],
  },
  {
    title: 'pnpm',
    files: ['run'],
    ours: adapters,
    dependencies: express,
    install: 'npx --yes pnpm@10.34.9 install --reporter=silent',
    checks: runs,
  },
  {
    title: 'Yarn PnP',
    files: ['run'],
    ours: adapters,
    dependencies: express,
    packageJson: { packageManager: 'yarn@4.9.2' },
    install:
      'touch yarn.lock && YARN_NPM_REGISTRY_SERVER=$(npm config get registry) YARN_ENABLE_IMMUTABLE_INSTALLS=0 YARN_ENABLE_TELEMETRY=0 YARN_NODE_LINKER=pnp npx --yes @yarnpkg/cli-dist@4.9.2 install > out 2>&1 || { cat out; exit 1; }',
    checks: runs.map(({ title, command }) => ({
      title,
      command: command.replace(
        /^node /,
        'node -r ./.pnp.cjs --experimental-loader ./.pnp.loader.mjs --no-warnings ',
      ),
    })),
  },
]

const workspace = mkdtempSync(join(tmpdir(), 'px-usage-apps-'))
const tarballs = packAll(workspace)
const wanted = argv.slice(2)
const rows: string[][] = []
const failures: string[] = []
for (const app of apps) {
  if (wanted.length > 0 && !wanted.some((word) => app.title.toLowerCase().includes(word.toLowerCase())))
    continue
  const folder = join(workspace, app.title.replace(/\W+/g, '-'))
  setUp(app, folder, tarballs)
  const installed = run(folder, app.install ?? npmInstall)
  if (!installed.ok) report(app.title, 'install', installed)
  else for (const { title, command } of app.checks) report(app.title, title, run(folder, command))
}
rmSync(workspace, { recursive: true, force: true })
console.log(table(['App', 'Check', 'Result', 's'], rows))
for (const failure of failures) console.log(failure)
exit(failures.length > 0 ? 1 : 0)

function setUp(app: App, folder: string, all: readonly Tarball[]): void {
  mkdirSync(folder)
  for (const name of app.files) {
    cpSync(join(import.meta.dirname, 'apps', name), folder, { recursive: true })
  }
  const files = Object.fromEntries(all.map(({ name, path }) => [name, `file:${path}`]))
  const ours = Object.fromEntries(app.ours.map((name) => [name, files[name] as string]))
  // Our packages name each other by a version that no registry has yet. Each installer has its own word for "take these instead".
  const instead = { resolutions: files, pnpm: { overrides: files } }
  // npm takes those of the app's own dependencies for all, so that all are dependencies of it.
  const dependencies = { ...app.dependencies, ...(app.install === undefined ? files : ours) }
  const manifest = { name: 'app', private: true, ...instead, ...app.packageJson, dependencies }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest, null, 2))
}

function run(folder: string, command: string): { ok: boolean; seconds: number; output: string } {
  const start = performance.now()
  const { status, stdout, stderr } = spawnSync('bash', ['-c', command], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...env, NODE_OPTIONS: '', PATH: `${join(folder, 'node_modules/.bin')}${delimiter}${env.PATH}` },
  })
  return {
    ok: status === 0,
    seconds: (performance.now() - start) / 1_000,
    output: `${stdout}${stderr}`.trim(),
  }
}

function report(app: string, check: string, { ok, seconds, output }: ReturnType<typeof run>): void {
  rows.push([app, check, ok ? 'ok' : 'FAILED', seconds.toFixed(0)])
  process.stderr.write(`${app}: ${check}: ${ok ? 'ok' : 'FAILED'}\n`)
  if (!ok) failures.push(`\n${app}: ${check}\n${output.split('\n').slice(-30).join('\n')}`)
}
