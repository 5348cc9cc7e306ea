import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { type Manifest, restrictedViolations } from '../support/pod-security.ts'
import { pages } from './pages.ts'

interface Container {
  readonly name: string
  readonly env: readonly { name: string; value?: string; valueFrom?: object }[]
  readonly securityContext: Manifest
  readonly volumeMounts: readonly { name: string; mountPath: string }[]
}
interface PodSpec {
  readonly containers: readonly Container[]
  readonly volumes?: readonly { name: string }[]
}
interface Workload {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { name: string }
  readonly spec: {
    readonly replicas: number
    readonly selector: { matchLabels: Manifest }
    readonly template: { metadata: { labels: Manifest }; spec: PodSpec }
    readonly serviceName?: string
    readonly volumeClaimTemplates?: readonly { metadata: { name: string }; spec: Manifest }[]
  }
}

/** Fields that the API server accepts at these places. It refuses or drops others, such as one with a wrong indent. */
const known: Readonly<Record<string, readonly string[]>> = {
  '': ['apiVersion', 'kind', 'metadata', 'spec'],
  spec: ['serviceName', 'replicas', 'selector', 'template', 'volumeClaimTemplates', 'strategy'],
  'spec.template': ['metadata', 'spec'],
  'spec.template.spec': [
    ...['automountServiceAccountToken', 'terminationGracePeriodSeconds', 'securityContext', 'containers'],
    'volumes',
  ],
  'spec.template.spec.securityContext': [
    ...['runAsNonRoot', 'runAsUser', 'runAsGroup', 'fsGroup', 'fsGroupChangePolicy', 'seccompProfile'],
  ],
  container: [
    ...['name', 'image', 'command', 'ports', 'env', 'securityContext', 'resources', 'volumeMounts'],
  ],
  'container.securityContext': ['allowPrivilegeEscalation', 'readOnlyRootFilesystem', 'capabilities'],
  claim: ['accessModes', 'resources', 'storageClassName'],
}

const documents = [...pages].flatMap(([path, text]) =>
  [...text.matchAll(/^```yaml\n([\s\S]*?)\n```$/gm)].flatMap(([, block = '']) =>
    parseAllDocuments(block).map((document) => ({ path, document })),
  ),
)
const workloads = documents
  .map(({ path, document }) => ({ path, manifest: document.toJS() as Workload }))
  .filter(({ manifest }) => ['Deployment', 'StatefulSet'].includes(manifest.kind))
  .map(({ path, manifest }) => ({ title: `${path}: ${manifest.kind}`, manifest }))

it('manifests of the documentation parse without errors or warnings', () => {
  expect(workloads.length).toBeGreaterThan(0)
  expect(documents.flatMap(({ document }) => [...document.errors, ...document.warnings])).toEqual([])
})

describe.each(workloads)('the manifest $title', ({ manifest }) => {
  const pod = manifest.spec.template.spec
  const claims = manifest.spec.volumeClaimTemplates ?? []

  function unknownFields(place: string, value: object): string[] {
    return Object.keys(value).filter((name) => known[place]?.includes(name) !== true)
  }

  it('has the fields of its kind, each at its place', () => {
    expect(manifest.apiVersion).toBe('apps/v1')
    expect(manifest.metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
    const places: [string, object][] = [
      ['', manifest],
      ['spec', manifest.spec],
      ['spec.template', manifest.spec.template],
      ['spec.template.spec', pod],
      ['spec.template.spec.securityContext', (pod as unknown as Manifest).securityContext as object],
      ...pod.containers.map((container): [string, object] => ['container', container]),
      ...pod.containers.map((one): [string, object] => ['container.securityContext', one.securityContext]),
      ...claims.map(({ spec }): [string, object] => ['claim', spec]),
    ]
    expect(places.flatMap(([place, value]) => unknownFields(place, value))).toEqual([])
    if (manifest.kind === 'StatefulSet') expect(manifest.spec.serviceName).toBeTypeOf('string')
  })

  it('selects its own pods', () => {
    expect(manifest.spec.template.metadata.labels).toMatchObject(manifest.spec.selector.matchLabels)
  })

  it('passes the restricted profile, with a root file system that is read-only', () => {
    expect(restrictedViolations(pod as unknown as Manifest)).toEqual([])
    for (const { securityContext } of pod.containers) {
      expect(securityContext.readOnlyRootFilesystem).toBe(true)
    }
  })

  it('mounts volumes that exist', () => {
    const volumes = [...(pod.volumes ?? []), ...claims.map(({ metadata }) => metadata)].map(
      ({ name }) => name,
    )
    const mounted = pod.containers.flatMap(({ volumeMounts }) => volumeMounts.map(({ name }) => name))
    expect(mounted.sort()).toEqual(volumes.sort())
  })

  it('has the folder of the file store on a persistent volume, and the keys from a secret', () => {
    const [{ env, volumeMounts }] = pod.containers as [Container]
    const variable = (name: string) => env.find((one) => one.name === name)
    const dir = variable('PX_USAGE_DIR')?.value
    if (manifest.kind === 'StatefulSet') {
      const mount = volumeMounts.find(({ mountPath }) => dir?.startsWith(`${mountPath}/`))
      expect(claims.map(({ metadata }) => metadata.name)).toContain(mount?.name)
    }
    for (const name of ['PX_API_KEY', 'PX_PRODUCT_KEY']) {
      expect(variable(name)).toMatchObject({ valueFrom: { secretKeyRef: { key: expect.any(String) } } })
    }
  })
})

describe('the check of the restricted profile', () => {
  const secure = {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      { securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }, ports: [{}] },
    ],
    volumes: [{ name: 'a', emptyDir: {} }],
  }
  const container = (more: object, fields: object = {}) => ({
    ...secure,
    containers: [{ ...fields, securityContext: { ...secure.containers[0]?.securityContext, ...more } }],
  })
  const ofPod = (more: object) => ({ ...secure, securityContext: { ...secure.securityContext, ...more } })

  it('accepts a pod that keeps every rule', () => {
    expect(restrictedViolations(secure)).toEqual([])
    expect(
      restrictedViolations(container({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE'] } })),
    ).toEqual([])
  })

  it.each<[string, Manifest]>([
    ['hostNetwork', { ...secure, hostNetwork: true }],
    ['hostPID', { ...secure, hostPID: true }],
    ['hostIPC', { ...secure, hostIPC: true }],
    ['volumes', { ...secure, volumes: [{ name: 'a', hostPath: { path: '/' } }] }],
    ['securityContext.sysctls', ofPod({ sysctls: [{ name: 'kernel.msgmax', value: '1' }] })],
    ['securityContext.runAsNonRoot', ofPod({ runAsNonRoot: undefined })],
    ['securityContext.runAsNonRoot', container({ runAsNonRoot: false })],
    ['securityContext.runAsUser', container({ runAsUser: 0 })],
    ['securityContext.seccompProfile.type', ofPod({ seccompProfile: undefined })],
    ['securityContext.seccompProfile.type', container({ seccompProfile: { type: 'Unconfined' } })],
    [
      'containers.securityContext.allowPrivilegeEscalation',
      container({ allowPrivilegeEscalation: undefined }),
    ],
    ['containers.securityContext.privileged', container({ privileged: true })],
    ['containers.securityContext.procMount', container({ procMount: 'Unmasked' })],
    ['containers.securityContext.capabilities', container({ capabilities: undefined })],
    [
      'containers.securityContext.capabilities',
      container({ capabilities: { drop: ['ALL'], add: ['SYS_ADMIN'] } }),
    ],
    ['ports.hostPort', container({}, { ports: [{ hostPort: 80 }] })],
  ])('refuses a wrong %s (%#)', (field, pod) => {
    expect(restrictedViolations(pod)).toEqual([field])
  })

  it('looks at initContainers as well', () => {
    const pod = { ...secure, initContainers: [{ name: 'a' }] }
    expect(restrictedViolations(pod)).toEqual([
      'containers.securityContext.allowPrivilegeEscalation',
      'containers.securityContext.capabilities',
    ])
  })
})
