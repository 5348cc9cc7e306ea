import { defineConfig } from 'tsdown'

export default defineConfig([
  // The command uses top-level await, which CommonJS does not support. It shares the server with the ES module of the package.
  { entry: ['src/index.ts', 'src/cli.ts'], format: ['esm'], copy: ['src/page'] },
  { entry: ['src/index.ts'], format: ['cjs'], publint: false, attw: false },
])
