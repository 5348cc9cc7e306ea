import { defineConfig } from 'tsdown'

export default defineConfig({
  workspace: ['packages/*'],
  entry: ['src/index.ts'],
  format: ['esm', 'cjs'],
  target: 'node20',
  platform: 'node',
  // The maps point into `src`, which is published beside `dist`, so debuggers, stack traces and "Go to definition" end in the source.
  // The built code therefore repeats neither the source nor its comments.
  sourcemap: true,
  outputOptions: { comments: { jsdoc: false }, sourcemapExcludeSources: true },
  dts: { sourcemap: true, compilerOptions: { declaration: true, declarationMap: true } },
  // How long a plugin of the build takes is of no use to those who pack the packages.
  checks: { pluginTimings: false },
  publint: { strict: true },
  attw: { profile: 'node16', level: 'error' },
})
