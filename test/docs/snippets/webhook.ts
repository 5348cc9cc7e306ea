import { createMeter, webhookDelivery } from '@px-usage/core'

const meter = createMeter({
  delivery: webhookDelivery({
    url: 'https://hooks.example.com/px-usage',
    secret: process.env.WEBHOOK_SECRET ?? 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  }),
})

// ---
export { meter }
