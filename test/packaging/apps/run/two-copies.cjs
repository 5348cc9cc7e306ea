// The copy in node_modules and a second one, as two versions of a dependency bring it in.
const assert = require('node:assert/strict')
const { cpSync, rmSync } = require('node:fs')
const { dirname, join } = require('node:path')
const core = require('@px-usage/core')

const folder = dirname(require.resolve('@px-usage/core/package.json'))
const second = join(dirname(folder), 'core-again')
cpSync(folder, second, { recursive: true })
const again = require(join(second, 'dist/index.cjs'))
rmSync(second, { recursive: true })

async function main() {
  const esm = await import('@px-usage/core')
  const copies = [core, again, esm]
  assert.equal(new Set(copies.map(({ UsageError }) => UsageError)).size, 3)
  for (const { createMeter } of copies) {
    try {
      createMeter({ regoin: 'eu' })
      assert.fail('an unknown option is an error')
    } catch (error) {
      for (const { UsageError } of copies) assert.ok(error instanceof UsageError)
      assert.equal(error.code, 'PXU_ERR_OPTIONS_UNKNOWN')
      assert.match(error.message, /region/)
    }
  }
  console.log('3 copies agree on errors')
}

void main()
