/** Who made a call: the person (`identifyId` in PX) and the company they belong to (`accountId`). */
export interface Identity {
  userId: string
  accountId?: string | undefined
}
