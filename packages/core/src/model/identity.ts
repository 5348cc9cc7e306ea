/** The person who made a call (`identifyId` in PX) and the company of that person (`accountId`). */
export interface Identity {
  userId: string
  accountId?: string | undefined
}
