/** Values of a manifest, as the YAML parser returns them. */
export type Manifest = { readonly [field: string]: unknown }

interface Rule {
  /** The field, for the message. */
  readonly field: string
  isMet(pod: Manifest, containers: readonly Manifest[]): boolean
}

/** https://kubernetes.io/docs/concepts/security/pod-security-standards/, profile "restricted" with what it takes from "baseline". */
const rules: readonly Rule[] = [
  ...['hostNetwork', 'hostPID', 'hostIPC'].map((field) => ({
    field,
    isMet: (pod: Manifest) => pod[field] === undefined || pod[field] === false,
  })),
  {
    field: 'volumes',
    isMet: (pod) =>
      listOf(pod.volumes).every((volume) => kindsOf(volume).every((kind) => safeVolumes.has(kind))),
  },
  {
    field: 'securityContext.sysctls',
    isMet: (pod) => listOf(securityOf(pod).sysctls).length === 0,
  },
  {
    field: 'securityContext.runAsNonRoot',
    isMet: everywhere('runAsNonRoot', (value) => value === true),
  },
  {
    field: 'securityContext.runAsUser',
    isMet: (pod, containers) => [pod, ...containers].every((one) => securityOf(one).runAsUser !== 0),
  },
  {
    field: 'securityContext.seccompProfile.type',
    isMet: everywhere('seccompProfile', (value) =>
      ['RuntimeDefault', 'Localhost'].includes(String((value as Manifest | undefined)?.type)),
    ),
  },
  ofContainers('allowPrivilegeEscalation', (value) => value === false),
  ofContainers('privileged', (value) => value !== true),
  ofContainers('procMount', (value) => value === undefined || value === 'Default'),
  ofContainers('capabilities', (value) => {
    const { drop, add } = (value ?? {}) as { drop?: string[]; add?: string[] }
    return drop?.includes('ALL') === true && (add ?? []).every((name) => name === 'NET_BIND_SERVICE')
  }),
  {
    field: 'ports.hostPort',
    isMet: (_pod, containers) =>
      containers.every(({ ports }) => listOf(ports).every(({ hostPort }) => hostPort === undefined)),
  },
]

const safeVolumes = new Set([
  ...[
    'configMap',
    'csi',
    'downwardAPI',
    'emptyDir',
    'ephemeral',
    'persistentVolumeClaim',
    'projected',
    'secret',
  ],
])

/** Returns the fields of a pod's spec that break the restricted profile. */
export function restrictedViolations(pod: Manifest): string[] {
  const containers = ['containers', 'initContainers', 'ephemeralContainers'].flatMap((name) =>
    listOf(pod[name]),
  )
  return rules.filter((rule) => !rule.isMet(pod, containers)).map(({ field }) => field)
}

function ofContainers(field: string, isAllowed: (value: unknown) => boolean): Rule {
  return {
    field: `containers.securityContext.${field}`,
    isMet: (_pod, containers) => containers.every((container) => isAllowed(securityOf(container)[field])),
  }
}

/** A container takes what it does not set from its pod. */
function everywhere(field: string, isAllowed: (value: unknown) => boolean): Rule['isMet'] {
  return (pod, containers) =>
    containers.every((container) => isAllowed(securityOf(container)[field] ?? securityOf(pod)[field]))
}

function securityOf(one: Manifest): Manifest {
  return (one.securityContext ?? {}) as Manifest
}

function kindsOf(volume: Manifest): string[] {
  return Object.keys(volume).filter((name) => name !== 'name')
}

function listOf(value: unknown): readonly Manifest[] {
  return (value ?? []) as readonly Manifest[]
}
