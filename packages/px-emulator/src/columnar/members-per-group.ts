/**
 * Each row belongs to a group and a member, both numbered from 0. Returns the number of different members of each group, and the
 * most rows that one member has in one group. It sorts by counting, so that a million rows take milliseconds.
 */
export function membersPerGroup(
  groups: Uint32Array,
  members: Uint32Array,
  sizes: { rows: number; groups: number; members: number },
): { distinct: Uint32Array; most: number } {
  const ends = new Uint32Array(sizes.groups)
  for (let row = 0; row < sizes.rows; row += 1) ends[groups[row]!]! += 1
  for (let group = 1; group < sizes.groups; group += 1) ends[group]! += ends[group - 1]!
  const starts = ends.slice()
  const sorted = new Uint32Array(sizes.rows)
  for (let row = sizes.rows - 1; row >= 0; row -= 1) {
    const at = starts[groups[row]!]! - 1
    starts[groups[row]!] = at
    sorted[at] = members[row]!
  }
  const distinct = new Uint32Array(sizes.groups)
  const lastGroup = new Uint32Array(sizes.members)
  const rowsInGroup = new Uint32Array(sizes.members)
  let most = 0
  for (let group = 0, at = 0; group < sizes.groups; group += 1) {
    for (; at < ends[group]!; at += 1) {
      const member = sorted[at]!
      if (lastGroup[member] !== group + 1) {
        lastGroup[member] = group + 1
        rowsInGroup[member] = 0
        distinct[group]! += 1
      }
      rowsInGroup[member]! += 1
      if (rowsInGroup[member]! > most) most = rowsInGroup[member]!
    }
  }
  return { distinct, most }
}
