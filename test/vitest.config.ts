import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const source = '@px-usage/source'

/** Our packages are run from their sources. The workers are given `externalConditions` as Node's own, for require() as well. */
const shared = {
  resolve: { conditions: [source, 'node'] },
  ssr: {
    resolve: { conditions: [source], externalConditions: [source] },
  },
}

function project(name: string, include: string[], test: Record<string, unknown> = {}) {
  return {
    ...shared,
    root: import.meta.dirname,
    test: { name, include, server: { deps: { inline: [/^@px-usage\//, /^px-emulator/] } }, ...test },
  }
}

/** The adapter contract on one version of a framework: `express-4.17` is an alias in the package.json of the tests. */
function adapter(name: 'express' | 'koa', version: string) {
  const framework = `${name}-${version}`
  const base = project(framework, [`${name}/**/*.test.ts`, `regression/${name}-*.test.ts`], {
    provide: { framework },
    testTimeout: 60_000,
  })
  const alias = [{ find: new RegExp(`^${name}$`), replacement: framework }]
  return { ...base, resolve: { ...base.resolve, alias } }
}

/** The integration with Nest on one of its major versions. The example has the newest one. */
function nest(version: number, folder: string) {
  const base = project(`nest-${version}`, ['integrations/nest.test.ts'], {
    provide: { framework: `Nest ${version}` },
  })
  const modules = join(import.meta.dirname, folder, 'node_modules')
  const alias = [{ find: /^(?=@nestjs\/)/, replacement: `${modules}/` }]
  return { ...base, resolve: { ...base.resolve, alias } }
}

export default defineConfig({
  test: {
    root: import.meta.dirname,
    // Vitest itself would leave one of two cores idle: its main process has little to do.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      project('core', ['core/**/*.test.ts'], { testTimeout: 60_000 }),
      project('story', ['story/**/*.test.ts'], { testTimeout: 60_000 }),
      project('faults', ['faults/**/*.test.ts'], { testTimeout: 120_000 }),
      project('redis', ['redis/**/*.test.ts'], { testTimeout: 120_000 }),
      project('regression', ['regression/!(express|koa)-*.test.ts'], { testTimeout: 60_000 }),
      project('http', ['http/**/*.test.ts'], { testTimeout: 60_000 }),
      project('docs', ['docs/**/*.test.ts', 'examples/**/*.test.ts', 'types/**/*.test.ts'], {
        testTimeout: 120_000,
      }),
      project('integrations', ['integrations/!(nest).test.ts']),
      nest(10, 'frameworks/nest-10'),
      nest(11, 'frameworks/nest-11'),
      nest(12, '../examples/nest'),
      project('cli', ['cli/**/*.test.ts'], { testTimeout: 60_000 }),
      project('monitoring', ['monitoring/**/*.test.ts'], { testTimeout: 120_000 }),
      project('packaging', ['packaging/**/*.test.ts']),
      ...['4.17', '4.18', '4.19', '4.20', '4.21', '4.22', '5.0', '5.1', '5.2', '5.3'].map((version) =>
        adapter('express', version),
      ),
      ...['2.13', '2.14', '2.15', '2.16', '3.0', '3.1', '3.2', '3.3'].map((version) =>
        adapter('koa', version),
      ),
      project('px-emulator', ['px-emulator/**/*.test.ts'], { testTimeout: 120_000 }),
    ],
  },
})
