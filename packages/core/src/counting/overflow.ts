/** The route under which calls are counted when there are too many endpoints: detail is lost, the totals are not. */
export const overflowRoute = '(overflow)'
