/** `node nodemailer.ts PORT MESSAGES SIZE [composed]`: one pooled connection. Prints one JSON line. */
import { createTransport } from "nodemailer"

const used = process.cpuUsage()
/** Microseconds of the processor's time a message. */
const cpu = () => {
  const { system, user } = process.cpuUsage(used)
  return Math.round((10 * (system + user)) / messages) / 10
}
const [port, count, size, mode] = process.argv.slice(2)
const messages = Number(count)
const raw = `Subject: bench\r\n\r\n${"x".repeat(62)}\r\n`.padEnd(Number(size) - 2, "line of text\r\n").replace(
  /\r?\n?$/,
  "\r\n"
)
const composed = {
  from: "a@bench.test",
  to: "b@bench.test",
  subject: "Grüße",
  text: "Guten Tag, wie geht es?\n".repeat(8),
  html: "<p>Guten Tag, wie geht es?</p>\n".repeat(8)
}

const transport = createTransport({
  host: "127.0.0.1",
  port: Number(port),
  secure: false,
  ignoreTLS: true,
  name: "bench.test",
  pool: true,
  maxConnections: 1,
  maxMessages: Number.POSITIVE_INFINITY
})
const mail = mode === "composed" ? composed : { envelope: { from: "a@bench.test", to: ["b@bench.test"] }, raw }
await transport.sendMail(mail)
const begun = performance.now()
await Promise.all(Array.from({ length: messages }, () => transport.sendMail(mail)))
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
transport.close()
