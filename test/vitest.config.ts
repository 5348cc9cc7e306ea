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

export default defineConfig({
  test: {
    root: import.meta.dirname,
    projects: [
      project('core', ['core/**/*.test.ts']),
      project('story', ['story/**/*.test.ts'], { testTimeout: 60_000 }),
      project('faults', ['faults/**/*.test.ts'], { testTimeout: 120_000 }),
      project('docs', ['docs/**/*.test.ts', 'examples/**/*.test.ts'], {
        testTimeout: 120_000,
      }),
      project('emulator', ['emulator/**/*.test.ts'], { testTimeout: 30_000 }),
    ],
  },
})
