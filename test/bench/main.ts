// @effect-diagnostics globalTimers:off newPromise:off
/**
 * `pnpm bench [short]`: Colloquy, Nodemailer, clients by hand and (where Postfix is installed) `smtp-source`, against a
 * sink with CHUNKING, one without (ours, and Postfix's `smtp-sink`), and both sinks at a round trip of 20 ms.
 *
 * The peers of a case run one after another, round by round, so that whatever else the machine does meets all of them; a
 * figure is the median of its rounds. Only ratios inside one table mean anything. Every process has a time limit.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { createServer } from "node:net"

const short = process.argv[2] === "short"
const rounds = short ? 1 : 5
const here = import.meta.dirname
const node = process.execPath
const started: Array<ChildProcess> = []

const start = (...args: ReadonlyArray<string>): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(node, [`${here}/${args[0]}`, ...args.slice(1)], { stdio: ["ignore", "pipe", "inherit"] })
    started.push(child)
    child.stdout.once("data", (text: Buffer) => resolve(Number(String(text))))
    child.once("error", reject)
  })

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

const postfix = (name: string) => [`/usr/sbin/${name}`, `/usr/bin/${name}`].find(existsSync)

const smtpSink = async (): Promise<number | undefined> => {
  const program = postfix("smtp-sink")
  if (program === undefined) return undefined
  const port = await freePort()
  started.push(spawn(program, ["-u", "nobody", `127.0.0.1:${port}`, "1000"], { stdio: "ignore" }))
  await new Promise((resolve) => setTimeout(resolve, 300))
  return port
}

interface Measured {
  readonly rate: number
  readonly rss: number | undefined
}

const run = (command: string, args: ReadonlyArray<string>, messages: number): Measured | undefined => {
  const begun = performance.now()
  const ran = spawnSync(command, args, { encoding: "utf8", timeout: 60_000, killSignal: "SIGKILL" })
  const seconds = (performance.now() - begun) / 1_000
  if (ran.status !== 0) return undefined
  const line = ran.stdout.trim().split("\n").at(-1) ?? ""
  if (!line.startsWith("{")) return { rate: messages / seconds, rss: undefined }
  const { rate, rss } = JSON.parse(line)
  return { rate, rss }
}

interface Peer {
  readonly name: string
  readonly messages: number
  readonly command: (port: number, messages: number) => readonly [string, ReadonlyArray<string>]
}

const script = (name: string, file: string, messages: number, ...more: ReadonlyArray<string>): Peer => ({
  name,
  messages: short ? Math.max(20, Math.round(messages / 8)) : messages,
  command: (port, count) => [node, [`${here}/peers/${file}`, String(port), String(count), ...more]]
})

const source = (messages: number, size: number): ReadonlyArray<Peer> => {
  const program = postfix("smtp-source")
  return program === undefined ? [] : [{
    name: "smtp-source",
    messages: short ? Math.round(messages / 8) : messages,
    command: (port, count) => [
      program,
      [
        "-s",
        "1",
        "-d",
        "-m",
        String(count),
        "-l",
        String(size),
        "-f",
        "a@bench.test",
        "-t",
        "b@bench.test",
        `127.0.0.1:${port}`
      ]
    ]
  }]
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const bench = (title: string, port: number | undefined, peers: ReadonlyArray<Peer>) => {
  process.stdout.write(`\n${title}\n`)
  if (port === undefined) {
    process.stdout.write("  (Postfix is not installed)\n")
    return
  }
  const rates = new Map<string, Array<number>>()
  for (let round = 0; round < rounds; round++) {
    for (const peer of peers) {
      const [command, args] = peer.command(port, peer.messages)
      const measured = run(command, args, peer.messages)
      const list = rates.get(peer.name) ?? []
      if (measured !== undefined) list.push(measured.rate)
      rates.set(peer.name, list)
    }
  }
  const own = median(rates.get("Colloquy") ?? [])
  for (const [name, list] of rates) {
    const rate = median(list)
    const ratio = name === "Colloquy" ? "" : `  Colloquy is ${(own / rate).toFixed(2)} ×`
    process.stdout.write(`  ${name.padEnd(28)} ${Math.round(rate).toString().padStart(9)} messages/s${ratio}\n`)
  }
}

const kib = "1024"
const mib = "1048576"
try {
  const chunking = await start("sink.ts", "chunking")
  const plain = await start("sink.ts")
  const sink = await smtpSink()
  const slowChunking = await start("delay.ts", String(chunking), "10")
  const slowPlain = await start("delay.ts", String(plain), "10")

  bench("Sink with CHUNKING, 1 KiB, one connection", chunking, [
    script("Colloquy", "colloquy.ts", 200_000, kib, "all"),
    script("Colloquy, file log", "colloquy.ts", 200_000, kib, "all", "log"),
    script("Nodemailer", "nodemailer.ts", 5_000, kib),
    script("node:net, promises", "net.ts", 200_000, kib, "promises"),
    script("node:net, callbacks", "net.ts", 400_000, kib, "callbacks")
  ])
  bench("Sink with CHUNKING, composed text and HTML", chunking, [
    script("Colloquy", "colloquy.ts", 40_000, kib, "composed"),
    script("Nodemailer", "nodemailer.ts", 4_000, kib, "composed")
  ])
  bench("smtp-sink (PIPELINING), 1 KiB, one connection", sink, [
    script("Colloquy", "colloquy.ts", 20_000, kib, "all"),
    script("Colloquy, one after another", "colloquy.ts", 20_000, kib, "sequence"),
    script("Colloquy, file log", "colloquy.ts", 20_000, kib, "all", "log"),
    script("Nodemailer", "nodemailer.ts", 5_000, kib),
    script("node:net, DATA", "net.ts", 20_000, kib, "data"),
    ...source(20_000, 1_024)
  ])
  bench("smtp-sink, 1 MiB, one connection", sink, [
    script("Colloquy", "colloquy.ts", 400, mib, "all"),
    script("Nodemailer", "nodemailer.ts", 200, mib),
    ...source(400, 1_048_576)
  ])
  bench("Round trip of 20 ms, CHUNKING", slowChunking, [
    script("Colloquy", "colloquy.ts", 10_000, kib, "all"),
    script("Colloquy, file log", "colloquy.ts", 10_000, kib, "all", "log"),
    script("Nodemailer", "nodemailer.ts", 40, kib)
  ])
  bench("Round trip of 20 ms, PIPELINING", slowPlain, [
    script("Colloquy", "colloquy.ts", 80, kib, "all"),
    script("Nodemailer", "nodemailer.ts", 40, kib)
  ])
  if (!short) {
    process.stdout.write("\nMemory over an idle process\n")
    for (
      const [mode, title] of [["file", "1 GiB from a file, streamed"], ["many", "100,000 messages by sendAll"]] as const
    ) {
      const ran = spawnSync(node, ["--expose-gc", `${here}/peers/memory.ts`, String(chunking), mode], {
        encoding: "utf8",
        timeout: 120_000,
        killSignal: "SIGKILL"
      })
      process.stdout.write(`  ${title.padEnd(28)} ${ran.stdout.trim()}\n`)
    }
  }
} finally {
  for (const child of started) child.kill()
}
