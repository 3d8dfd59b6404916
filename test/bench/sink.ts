/**
 * A server that takes all mail and keeps none, as fast as Node allows: the benchmarks' other end.
 *
 * `node sink.ts [chunking]` listens on a free port of 127.0.0.1 and prints it. It offers PIPELINING (and CHUNKING), skips
 * content by count (BDAT) or by CRLF.CRLF (DATA), and answers all commands of a read with one write.
 */
import * as Net from "node:net"

const chunking = process.argv[2] === "chunking"
const CR = 13
const LF = 10
const end = Buffer.from("\r\n.\r\n")

const serve = (socket: Net.Socket) => {
  socket.setNoDelay(true)
  socket.on("error", () => socket.destroy())
  socket.write("220 sink.test ESMTP\r\n")
  let rest: Buffer = Buffer.alloc(0)
  /** Octets of a BDAT chunk still to come; its reply is due when they are here. */
  let skip = 0
  let inData = false
  let held = ""
  socket.on("data", (chunk: Buffer) => {
    let buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let out = ""
    let at = 0
    while (at < buffer.length) {
      if (skip > 0) {
        const taken = Math.min(skip, buffer.length - at)
        skip -= taken
        at += taken
        if (skip === 0) out += held
        continue
      }
      if (inData) {
        const stop = buffer.indexOf(end, at)
        if (stop < 0) {
          // keep what may be the beginning of the end
          at = Math.max(at, buffer.length - (end.length - 1))
          break
        }
        at = stop + end.length
        inData = false
        out += "250 2.0.0 Ok\r\n"
        continue
      }
      const lf = buffer.indexOf(LF, at)
      if (lf < 0) break
      const first = buffer[at] ?? 0
      const line = first === 66 || first === 98 || first === 69
        ? buffer.toString("latin1", at, buffer[lf - 1] === CR ? lf - 1 : lf)
        : ""
      at = lf + 1
      if (first === 66 || first === 98) {
        skip = Number(line.split(" ")[1])
        held = "250 2.0.0 Ok\r\n"
        if (skip === 0) out += held
      } else if (first === 69) {
        out += `250-sink.test\r\n250-PIPELINING\r\n${chunking ? "250-CHUNKING\r\n" : ""}250 8BITMIME\r\n`
      } else if (first === 68) {
        inData = true
        out += "354 go\r\n"
      } else if (first === 81) {
        out += "221 bye\r\n"
        socket.end(out)
        return
      } else out += "250 2.0.0 Ok\r\n"
    }
    rest = at < buffer.length ? buffer.subarray(at) : Buffer.alloc(0)
    buffer = rest
    if (out !== "") socket.write(out)
  })
}

const server = Net.createServer({ noDelay: true }, serve)
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (typeof address === "object" && address !== null) process.stdout.write(`${address.port}\n`)
})
