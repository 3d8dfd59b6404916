/**
 * `node heldSink.ts PORT FILE [EVERY]`: a server with PIPELINING and CHUNKING that writes down what it holds, one line a
 * recipient (`Message-ID sender recipient`), before it says 250. It refuses `refused@` and, where EVERY is given, closes
 * each session by 421 after so many messages. A refused transaction stays open until RSET, as Exim keeps it.
 */
import * as Fs from "node:fs"
import * as Net from "node:net"

const [port, file, every] = process.argv.slice(2)
const limit = every === undefined ? Number.POSITIVE_INFINITY : Number(every)
const held = Fs.openSync(file ?? "", "a")

const serve = (socket: Net.Socket) => {
  socket.on("error", () => socket.destroy())
  socket.write("220 held.test ESMTP\r\n")
  let input = ""
  let sender: string | undefined
  let recipients: Array<string> = []
  let content = ""
  let inData = false
  let chunk: { left: number; readonly last: boolean; readonly taken: boolean } | undefined
  let messages = 0
  let output = ""
  let closing = false
  const say = (line: string) => {
    output += `${line}\r\n`
  }
  const reset = () => {
    sender = undefined
    recipients = []
    content = ""
  }
  const hold = () => {
    const id = /^Message-ID: <(.*)>/m.exec(content)?.[1] ?? "?"
    for (const recipient of recipients) Fs.writeSync(held, `${id} ${sender} ${recipient}\n`)
    reset()
    messages++
    say("250 2.0.0 Ok")
  }
  const command = (line: string) => {
    const path = /<(.*?)>/.exec(line)?.[1] ?? ""
    switch (line.slice(0, 4)) {
      case "EHLO":
        return say("250-held.test\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 8BITMIME")
      case "MAIL":
        if (messages >= limit) {
          say("421 4.7.0 Enough")
          closing = true
          return
        }
        if (sender !== undefined) return say("503 5.5.1 Nested MAIL")
        sender = path
        return say("250 2.1.0 Ok")
      case "RCPT":
        if (sender === undefined) return say("503 5.5.1 MAIL first")
        if (path.startsWith("refused@")) return say("550 5.1.1 No such user")
        recipients.push(path)
        return say("250 2.1.5 Ok")
      case "DATA":
        if (recipients.length === 0) return say("503 5.5.1 RCPT first")
        inData = true
        return say("354 Go on")
      case "BDAT": {
        const [, octets, last] = line.split(" ")
        chunk = { left: Number(octets), last: last === "LAST", taken: recipients.length > 0 }
        return
      }
      case "RSET":
        reset()
        return say("250 2.0.0 Ok")
      case "NOOP":
        return say("250 2.0.0 Ok")
      case "QUIT":
        say("221 2.0.0 Bye")
        closing = true
        return
      default:
        return say("500 5.5.2 What?")
    }
  }
  const work = () => {
    while (input !== "") {
      if (closing) return
      if (chunk !== undefined) {
        const taken = input.slice(0, chunk.left)
        input = input.slice(taken.length)
        chunk.left -= taken.length
        if (chunk.taken) content += taken
        if (chunk.left > 0) return
        const { last, taken: counts } = chunk
        chunk = undefined
        if (!counts) say("554 5.5.1 No valid recipients")
        else if (last) hold()
        else say("250 2.0.0 Ok")
      } else if (inData) {
        const end = input.indexOf("\r\n.\r\n")
        if (end < 0) return
        content = input.slice(0, end + 2)
        input = input.slice(end + 5)
        inData = false
        hold()
      } else {
        const end = input.indexOf("\r\n")
        if (end < 0) return
        const line = input.slice(0, end)
        input = input.slice(end + 2)
        command(line)
      }
    }
  }
  socket.on("data", (octets) => {
    input += octets.toString("latin1")
    work()
    const said = output
    output = ""
    if (said !== "") socket.write(said)
    if (closing) socket.end()
  })
}

Net.createServer({ noDelay: true }, serve).listen(Number(port), "127.0.0.1")
