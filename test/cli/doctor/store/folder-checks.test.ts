import { expect, test } from 'vitest'
import { checkFolder } from '../../../../packages/cli/src/doctor/store/folder-checks.ts'
import type { FolderFacts } from '../../../../packages/cli/src/doctor/store/folder-facts.ts'

const healthy: FolderFacts = {
  dir: '/data/.px-usage',
  owner: { uid: 1_000, mode: 0o40700 },
  uid: 1_000,
  writeError: undefined,
  fileSystem: 'ext4',
  lifetime: 'volume',
  freeBytes: 10 ** 10,
}

test('a healthy folder has no fault', () => {
  expect(checkFolder(healthy).map(({ verdict }) => verdict)).toEqual(['ok', 'ok'])
  expect(checkFolder({ ...healthy, fileSystem: 'xfs', owner: { uid: 0, mode: 0o41777 } })).toMatchObject([
    { verdict: 'ok' },
    { verdict: 'ok' },
  ])
})

test.each<[string, Partial<FolderFacts>, string]>([
  ['a folder without write permission', { writeError: 'EACCES' }, 'failure: folder'],
  ['a read-only file system', { writeError: 'EROFS' }, 'failure: folder'],
  ['a full disk', { writeError: 'ENOSPC' }, 'failure: folder'],
  ['a quota that is used up', { writeError: 'EDQUOT' }, 'failure: folder'],
  ['a file in its place', { writeError: 'ENOTDIR' }, 'failure: folder'],
  ['a disk that fails', { writeError: 'EIO' }, 'failure: folder'],
  ['an error without a name', { writeError: 'EWHAT' }, 'failure: folder'],
  ['a folder that does not exist', { owner: undefined }, 'warning: folder'],
  ['a folder of another user', { uid: 1_001 }, 'warning: folder'],
  ['a folder that every user can write to', { owner: { uid: 1_000, mode: 0o40777 } }, 'warning: folder'],
  ['a disk that is nearly full', { freeBytes: 10 ** 8 }, 'warning: folder'],
  ['NFS', { fileSystem: 'nfs4' }, 'failure: file system'],
  ['a share of Windows', { fileSystem: 'cifs' }, 'failure: file system'],
  ['a file system over SSH', { fileSystem: 'fuse.sshfs' }, 'failure: file system'],
  ['a file system in memory', { fileSystem: 'tmpfs' }, 'failure: file system'],
  ['the layer of a container', { fileSystem: 'overlay', lifetime: 'container' }, 'failure: file system'],
  ['an emptyDir volume', { lifetime: 'pod' }, 'failure: file system'],
])('%s is found', (_, facts, fault) => {
  const found = checkFolder({ ...healthy, ...facts }).filter(({ verdict }) => verdict !== 'ok')
  expect(found.map(({ verdict, name }) => `${verdict}: ${name}`)).toEqual([fault])
  expect(found[0]?.cure).toBeDefined()
})

test('where the system lists no mounts, the file system is not judged', () => {
  expect(checkFolder({ ...healthy, fileSystem: '' })[1]?.verdict).toBe('unknown')
})
