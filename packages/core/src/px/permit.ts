/** Whether a request to PX may start: yes, not before the daily budget renews, or not at all, because the meter was closed. */
export type Permit = 'granted' | 'budgetSpent' | 'closed'
