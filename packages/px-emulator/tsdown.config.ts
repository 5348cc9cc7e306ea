import { defineConfig } from 'tsdown'

export default defineConfig([
  { entry: ['src/index.ts'], copy: ['src/page'] },
  // Top-level await, and nobody requires it: the command has an ES module only.
  { entry: ['src/cli.ts'], format: ['esm'], dts: false, publint: false, attw: false },
])
