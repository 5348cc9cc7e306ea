import { fetchControl } from './fetch-control.js'
import { plain } from './plain-text.js'
import { fillTable } from './table.js'

/** The view of users and accounts, with the latest value of each attribute. */

const byId = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id))
const maxAttributeColumns = 8

export async function drawAudience() {
  const { users, accounts, userCount, accountCount, ignored } = await fetchControl('audience')
  fillMembers('users', `Users (${userCount})`, { Id: 'identifyId', Account: 'accountId' }, users)
  fillMembers('accounts', `Accounts (${accountCount})`, { Id: 'id', Name: 'name' }, accounts)
  byId('no-members').hidden = userCount + accountCount > 0
  const names = [...new Set([...ignored.user, ...ignored.account])]
  byId('ignored').hidden = names.length === 0
  byId('ignored').textContent =
    `Left out because they are not declared: ${names.map(plain).join(', ')}. PX accepts declared attributes only.`
}

/**
 * @param {string} id
 * @param {string} caption
 * @param {Record<string, string>} own field names by column heading
 * @param {any[]} members
 */
function fillMembers(id, caption, own, members) {
  const names = new Set(members.flatMap(({ customAttributes }) => Object.keys(customAttributes ?? {})))
  const shownNames = [...names].slice(0, maxAttributeColumns)
  const rows = members.map((member) => [
    ...Object.values(own).map((field) => member[field]),
    ...shownNames.map((name) => member.customAttributes?.[name]),
  ])
  const left = names.size - shownNames.length
  const text = left > 0 ? `${caption}, ${left} more attributes` : caption
  byId(id).parentElement.hidden = members.length === 0
  fillTable(byId(id), { caption: text, heads: [...Object.keys(own), ...shownNames], rows })
}
