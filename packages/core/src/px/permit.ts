/** Whether a request to PX may start: now, not before the next day of the budget, or never again. */
export type Permit = 'go' | 'spent' | 'over'
