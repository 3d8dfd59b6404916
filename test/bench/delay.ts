// @effect-diagnostics globalTimers:off newPromise:off
/** `node delay.ts PORT MILLISECONDS`: passes a connection on to PORT, each way so much later; prints its own port. */
import * as Net from "node:net"

const [port, delay] = process.argv.slice(2).map(Number)

const pass = (from: Net.Socket, to: Net.Socket) => {
  from.on("data", (chunk) => setTimeout(() => to.destroyed || to.write(chunk), delay))
  from.on("close", () => setTimeout(() => to.destroy(), delay))
  from.on("error", () => from.destroy())
}

const server = Net.createServer({ noDelay: true }, (client) => {
  const peer = Net.connect({ host: "127.0.0.1", port: port ?? 0, noDelay: true })
  pass(client, peer)
  pass(peer, client)
})
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (typeof address === "object" && address !== null) process.stdout.write(`${address.port}\n`)
})
