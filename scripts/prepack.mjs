// Builds the package from whose folder npm or pnpm packs. Without it a tarball packed before a build has no `dist`.
// The first package that is packed builds all of them, which takes less time than seven builds, and the others find theirs.
// It skips publint and attw: both of them pack the package again.
import { execSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')
const folders = readdirSync(join(root, 'packages'))
const { npm_package_name: name } = process.env
// npm hands its flags down in the environment: `npm pack --dry-run` would make the installation below a dry run as well.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([key]) => !/^npm_config_(dry_run|json)$/i.test(key)),
)
// The list of `npm pack --json` is read from stdout, so what the build prints goes to stderr.
const run = (command) => execSync(command, { cwd: root, env, stdio: ['ignore', 2, 2] })

if (!existsSync(join(root, 'node_modules/.bin'))) run('npm run --silent setup')

/** Says from which sources the last build was made, and when each package got its `dist`. Another build changes the time. */
const record = join(root, 'dist/built.json')
const built = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : {}
const sources = hashOfSources()
if (built.sources !== sources) build('')
else if (built.at[name] === builtAt(name)) process.stderr.write(`${name} is built.\n`)
else build(` --filter ${name}`)

function build(filter) {
  run(`node node_modules/tsdown/dist/run.mjs --no-publint --no-attw --logLevel warn${filter}`)
  const at = Object.fromEntries(folders.map((folder) => [manifestOf(folder).name, builtAtOf(folder)]))
  mkdirSync(join(root, 'dist'), { recursive: true })
  writeFileSync(record, JSON.stringify({ sources, at }))
}

function manifestOf(folder) {
  return JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8'))
}

function builtAt(wanted) {
  return builtAtOf(folders.find((folder) => manifestOf(folder).name === wanted))
}

function builtAtOf(folder) {
  return statSync(join(root, 'packages', folder, 'dist'), { throwIfNoEntry: false })?.mtimeMs
}

function hashOfSources() {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, 'packages', folder, 'src'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .concat(
        ['package.json', 'tsdown.config.ts']
          .map((file) => join(root, 'packages', folder, file))
          .filter(existsSync),
      ),
  )
  const settings = ['pnpm-lock.yaml', 'tsconfig.base.json', 'tsdown.config.ts'].map((file) =>
    join(root, file),
  )
  const hash = createHash('sha256')
  for (const file of [...settings, ...files.sort()]) hash.update(`${file}\0`).update(readFileSync(file))
  return hash.digest('hex')
}
