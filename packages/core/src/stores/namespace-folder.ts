import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { codeOf, type Disk, makeFolder, namesIn } from '../files/disk.ts'
import { shortHash } from '../files/short-hash.ts'
import type { Namespace } from '../model/store.ts'

/** A namespace as it is written in the name of its folder. */
export interface NamespaceName {
  readonly product: string
  /** Host of PX, `local-` and the host of this machine, or `dry-run`, followed by a digest of the whole address. */
  readonly destination: string
  readonly timeZone: string
}

/** `AP-ABCDEFGHIJKL-2@api.aptrinsic.com.3f9a1c2b@America%2FNew_York` */
const namePattern = /^([\w-]{1,40})@([\w.-]{1,60})@([\w%.+-]{1,64})$/

function folderName({ product, destination, timeZone }: NamespaceName): string {
  return [product, destination, encodeURIComponent(timeZone)].join('@')
}

function parseFolderName(name: string): NamespaceName | undefined {
  const [, product, destination, timeZone] = namePattern.exec(name) ?? []
  if (product === undefined || destination === undefined || timeZone === undefined) return undefined
  return { product, destination, timeZone: decodeURIComponent(timeZone) }
}

export function namespaceName({ productKey, baseUrl, dryRun }: Namespace, timeZone: string): NamespaceName {
  const slug = productKey.replace(/[^\w-]/g, '_').slice(0, 30) || 'no-product'
  const url = dryRun || baseUrl === '' ? undefined : new URL(baseUrl)
  const host = url === undefined ? 'dry-run' : `${url.protocol === 'http:' ? 'local-' : ''}${url.host}`
  return {
    product: slug === productKey ? slug : `${slug}_${shortHash(productKey, 8)}`,
    destination: `${host.replace(/[^\w.-]/g, '_').slice(0, 50)}.${shortHash(baseUrl, 8)}`,
    // One time zone has several spellings: utc, UTC, Etc/UTC.
    timeZone: new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone,
  }
}

/**
 * Returns whether a process of `own` may close and send what is left of `other`: another time zone of the same product, or an
 * address of PX that was corrected. A product exists at only one address of PX. Counts for a stand-in on this machine, or of a
 * dry run, must never reach it.
 */
export function mayAdopt(own: NamespaceName, other: NamespaceName): boolean {
  if (own.product !== other.product || folderName(own) === folderName(other)) return false
  const isRemote = ({ destination }: NamespaceName) => !/^(local-|dry-run\.)/.test(destination)
  return own.destination === other.destination || (isRemote(own) && isRemote(other))
}

/**
 * Returns the folder of a namespace: the folder of the store itself for the namespace that used it first, a subfolder for every
 * other. So two services that share a folder by accident never close or send each other's counts.
 *
 * The first namespace is recorded as the name of a file. As the content of a file, damaged bytes could give its counts to
 * another product.
 */
export function namespaceFolder(disk: Disk, root: string, name: NamespaceName): string {
  const own = folderName(name)
  const first = firstNamespace(disk, root) ?? claimRoot(disk, root, own)
  return first === own ? root : join(root, own)
}

/** Returns every namespace that has used the folder of a file store, with its folder. */
export function namespacesIn(disk: Disk, root: string): Array<NamespaceName & { dir: string }> {
  const first = firstNamespace(disk, root)
  return [...(first === undefined ? [] : [first]), ...namesIn(disk, root)].flatMap((folder) => {
    const name = parseFolderName(folder)
    return name === undefined ? [] : [{ ...name, dir: folder === first ? root : join(root, folder) }]
  })
}

function firstNamespace(disk: Disk, root: string): string | undefined {
  return namesIn(disk, join(root, 'namespace')).find((name) => parseFolderName(name) !== undefined)
}

/** Records the first namespace. Renaming a folder onto one with content fails, so one process wins. @returns the winner */
function claimRoot(disk: Disk, root: string, own: string): string {
  const aside = join(root, `namespace.${randomBytes(6).toString('hex')}.tmp`)
  makeFolder(disk, aside)
  try {
    disk.closeSync(disk.openSync(join(aside, own), 'wx', 0o600))
    disk.renameSync(aside, join(root, 'namespace'))
    return own
  } catch (error) {
    disk.rmSync(aside, { recursive: true, force: true })
    const winner = firstNamespace(disk, root)
    if (winner !== undefined && codeOf(error) !== undefined) return winner
    throw error
  }
}
