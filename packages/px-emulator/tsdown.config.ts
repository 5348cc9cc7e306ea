import { defineConfig } from 'tsdown'

export default defineConfig([
  { entry: ['src/index.ts'], copy: ['src/page'] },
  // The command uses top-level await, which CommonJS does not support, so it is built as an ES module only.
  { entry: ['src/cli.ts'], format: ['esm'], dts: false, publint: false, attw: false },
])
