// @effect-diagnostics globalTimers:off newPromise:off
/**
 * `node net.ts PORT MESSAGES SIZE MODE`: what a client by hand comes to on `node:net`, one connection, no checks, no log.
 * MODE `promises`: a promise for each message, 32 in flight; `callbacks`: 128 in flight, a callback each; `data`: DATA,
 * one message behind the other (PIPELINING, no CHUNKING). Prints one JSON line.
 */
import * as Net from "node:net"

const used = process.cpuUsage()
/** Microseconds of the processor's time a message. */
const cpu = () => {
  const { system, user } = process.cpuUsage(used)
  return Math.round((10 * (system + user)) / messages) / 10
}
const [port, count, size, mode = "promises"] = process.argv.slice(2)
const messages = Number(count)
const content = `Subject: bench\r\n\r\n${"x".repeat(62)}\r\n`.padEnd(Number(size) - 2, "line of text\r\n").replace(
  /\r?\n?$/,
  "\r\n"
)
const body = Buffer.from(content)
const head = "MAIL FROM:<a@bench.test>\r\nRCPT TO:<b@bench.test>\r\n"
const bdat = Buffer.concat([Buffer.from(`${head}BDAT ${body.length} LAST\r\n`), body])
const group = Buffer.from(`${head}DATA\r\n`)
const dataBody = Buffer.concat([body, Buffer.from(".\r\n")])

const socket = Net.connect({ host: "127.0.0.1", port: Number(port), noDelay: true })
let rest = ""
/** Called for each complete reply, in order. */
let onReply = (_code: string) => {}
socket.on("data", (chunk: Buffer) => {
  const text = rest + chunk.toString("latin1")
  let from = 0
  for (let at = text.indexOf("\n", from); at >= 0; at = text.indexOf("\n", from)) {
    if (text[from + 3] !== "-") onReply(text.slice(from, from + 3))
    from = at + 1
  }
  rest = text.slice(from)
})

const once = () =>
  new Promise<void>((resolve) => {
    onReply = () => resolve()
  })
await once()
socket.write("EHLO bench.test\r\n")
await once()

const begun = performance.now()
const done = () => {
  const seconds = (performance.now() - begun) / 1_000
  process.stdout.write(
    `${
      JSON.stringify({
        messages,
        seconds,
        rate: Math.round(messages / seconds),
        rss: process.memoryUsage().rss,
        cpu: cpu()
      })
    }\n`
  )
  socket.destroy()
}

if (mode === "data") {
  let sent = 0
  let replies = 0
  onReply = () => {
    replies++
    if (replies % 4 === 3) {
      sent++
      socket.cork()
      socket.write(dataBody)
      if (sent < messages) socket.write(group)
      process.nextTick(() => socket.uncork())
    } else if (replies === messages * 4) done()
  }
  socket.write(group)
} else {
  const window = mode === "promises" ? 32 : 128
  const waiting: Array<() => void> = []
  let replies = 0
  let corked = false
  const write = () => {
    if (!corked) {
      corked = true
      socket.cork()
      process.nextTick(() => {
        corked = false
        socket.uncork()
      })
    }
    socket.write(bdat)
  }
  onReply = () => {
    if (++replies % 3 === 0) waiting.shift()?.()
  }
  if (mode === "promises") {
    const send = () =>
      new Promise<void>((resolve) => {
        waiting.push(resolve)
        write()
      })
    let next = 0
    await Promise.all(Array.from({ length: window }, async () => {
      while (next++ < messages) await send()
    }))
    done()
  } else {
    let started = 0
    let ended = 0
    const start = () => {
      if (started >= messages) return
      started++
      waiting.push(() => {
        if (++ended === messages) return done()
        start()
      })
      write()
    }
    for (let i = 0; i < window; i++) start()
  }
}
