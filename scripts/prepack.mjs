// Builds the package from whose folder npm or pnpm packs. Without it a tarball packed before a build has no `dist`.
// It skips publint and attw: both of them pack the package again.
import { execSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const { npm_package_name: name } = process.env
// npm hands its flags down in the environment: `npm pack --dry-run` would make the installation below a dry run as well.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([key]) => !/^npm_config_(dry_run|json)$/i.test(key)),
)
// The list of `npm pack --json` is read from stdout, so what the build prints goes to stderr.
const run = (command) => execSync(command, { cwd: root, env, stdio: ['ignore', 2, 2] })

if (!existsSync(join(root, 'node_modules/.bin'))) run('npm run --silent setup')
run(`node node_modules/tsdown/dist/run.mjs --no-publint --no-attw --filter ${name}`)
