import { defineConfig } from 'tsdown'

// A command, not a library: nothing imports it, so there is one format and no types. attw checks types.
export default defineConfig({ entry: ['src/cli.ts'], format: ['esm'], dts: false, attw: false })
