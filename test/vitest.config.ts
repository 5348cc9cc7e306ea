import { defineConfig } from 'vitest/config'

const conditions = ['@px-usage/source', 'node', 'import', 'module', 'default']

const shared = {
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
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
      project('docs', ['docs/**/*.test.ts', 'packaging/**/*.test.ts', 'examples/**/*.test.ts'], {
        testTimeout: 120_000,
      }),
      project('emulator', ['emulator/**/*.test.ts'], { testTimeout: 30_000 }),
    ],
  },
})
