import { Injectable, type OnApplicationShutdown } from '@nestjs/common'
import { pxUsage } from '@px-usage/express'

@Injectable()
export class Usage implements OnApplicationShutdown {
  readonly middleware = pxUsage({
    identify: (req) => req.user && { userId: req.user.id, accountId: req.user.orgId },
  })

  async onApplicationShutdown() {
    await this.middleware.meter.close()
  }
}
