import { createApp } from './app.ts'

const { app, meter } = createApp()
const server = app.listen(Number(process.env.PORT ?? 3001), () => {
  console.log('Koa example:', server.address())
})

// Finishes and counts the requests in progress, then closes the meter. The process then ends without process.exit().
process.on('SIGTERM', shutDown)
process.on('SIGINT', shutDown)

function shutDown(): void {
  if (!server.listening) return
  // Without this, an idle keep-alive connection delays the shutdown by five seconds.
  const sweeping = setInterval(() => server.closeIdleConnections(), 50)
  server.close(async () => {
    clearInterval(sweeping)
    console.log('Closed:', await meter.close())
  })
}
