import { defineConfig } from 'tsdown'

export default defineConfig({
  entry: ['src/index.ts', 'src/adapter.ts', 'src/testing.ts', 'src/opentelemetry.ts', 'src/prometheus.ts'],
})
