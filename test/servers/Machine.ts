/**
 * What the real servers need of the machine: Debian's packages, processes of their own, folders, free ports.
 *
 * Invariant: everything belongs to a scope. When it closes, the processes that were started here have ended and the
 * folders are gone; packages stay installed. Where a server can't be had, the failure is one sentence that says why
 * (`Unavailable`), and the tests that wanted the server fail with it: nothing is skipped.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Path from "effect/Path"
import { ChildProcess } from "effect/process"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as Net from "node:net"
import type { Pair } from "../node/certificates.ts"

export class Unavailable extends Data.TaggedError("Unavailable")<{ readonly message: string }> {}

export const host = "127.0.0.1"

/** Runs to the end and returns what was printed; a status other than 0 is a failure that quotes it. */
export const run = Effect.fnUntraced(function*(
  command: string,
  args: ReadonlyArray<string>,
  options: { readonly stdin?: string; readonly env?: Record<string, string>; readonly cwd?: string } = {}
) {
  const child = yield* ChildProcess.make(command, args, {
    stdin: options.stdin === undefined ? "ignore" : Stream.encodeText(Stream.succeed(options.stdin)),
    env: { LC_ALL: "C.UTF-8", ...options.env },
    extendEnv: true,
    cwd: options.cwd
  })
  const output = yield* Stream.mkString(Stream.decodeText(child.all))
  const status = yield* child.exitCode
  if (status === 0) return output
  return yield* new Unavailable({ message: `'${command} ${args.join(" ")}' ended with status ${status}: ${output}` })
}, Effect.scoped)

/**
 * A program in the foreground, in a process group of its own, until the scope closes: TERM to the group, KILL after 5 s.
 * Its output goes to `log`.
 */
export const daemon = Effect.fnUntraced(function*(command: string, args: ReadonlyArray<string>, log: string) {
  const fs = yield* FileSystem.FileSystem
  const child = yield* ChildProcess.make(command, args, { stdin: "ignore", forceKillAfter: "5 seconds" })
  yield* Effect.forkScoped(Stream.run(child.all, fs.sink(log, { flag: "a" })))
  return child
})

const installing = Semaphore.makeUnsafe(1)
const policy = "/usr/sbin/policy-rc.d"

/** Keeps apt-get from starting what it installs; a policy that is there already is left alone. */
const withoutServices = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  if (yield* fs.exists(policy)) return
  yield* Effect.acquireRelease(
    fs.writeFileString(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 }),
    () => Effect.ignore(fs.remove(policy))
  )
})

const install = Effect.fnUntraced(function*(names: ReadonlyArray<string>) {
  const installed = yield* run("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\n"])
  const missing = names.filter((name) => !installed.split("\n").includes(`${name} installed`))
  if (missing.length === 0) return
  yield* withoutServices
  const env = { DEBIAN_FRONTEND: "noninteractive" }
  yield* run("apt-get", ["-qq", "update"], { env })
  yield* run("apt-get", ["-y", "install", "--no-install-recommends", ...missing], { env }).pipe(
    Effect.catchTag(
      "Unavailable",
      ({ message }) =>
        new Unavailable({ message: `Debian's packages ${missing.join(", ")} can't be installed here: ${message}` })
    )
  )
}, Effect.scoped)

/** Installs those of Debian's packages that are missing. */
export const packages = Effect.fnUntraced(function*(...names: ReadonlyArray<string>) {
  const fs = yield* FileSystem.FileSystem
  const servers = `The real servers (${names.join(", ")})`
  if (!(yield* fs.exists("/etc/debian_version"))) {
    return yield* new Unavailable({
      message: `${servers} are installed from Debian's packages, and this machine is not a Debian.`
    })
  }
  if (process.getuid?.() !== 0) {
    return yield* new Unavailable({ message: `${servers} are installed and started by root, and this is not root.` })
  }
  return yield* Semaphore.withPermit(installing, install(names))
})

/** A folder that daemons which gave up root can reach, gone with the scope. */
export const folder = Effect.fnUntraced(function*(name: string) {
  const fs = yield* FileSystem.FileSystem
  const path = yield* fs.makeTempDirectoryScoped({ prefix: `colloquy-${name}-` })
  yield* fs.chmod(path, 0o755)
  return path
})

/** `name.pem` and, for root alone, `name-key.pem`. */
export const writePair = Effect.fnUntraced(function*(name: string, pair: Pair) {
  const fs = yield* FileSystem.FileSystem
  yield* fs.writeFileString(`${name}.pem`, pair.cert)
  yield* fs.writeFileString(`${name}-key.pem`, pair.key, { mode: 0o600 })
})

/** An empty Maildir that `user` owns. */
export const maildir = Effect.fnUntraced(function*(path: string, user: string) {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  for (const name of ["new", "cur", "tmp"]) yield* fs.makeDirectory(join(path, name), { recursive: true })
  yield* run("chown", ["-R", `${user}:`, path])
})

const isFree = (port: number) =>
  Effect.callback<boolean>((resume) => {
    const server = Net.createServer()
    server.once("error", () => resume(Effect.succeed(false)))
    server.listen(port, host, () => server.close(() => resume(Effect.succeed(true))))
  })

let nextPort = 20_000 + (process.pid % 10_000)

/** Below the range that outgoing connections take theirs from, so that none is taken in between. */
export const freePort = Effect.suspend(() => {
  const port = nextPort++
  return Effect.map(isFree(port), (free) => free ? port : undefined)
}).pipe(Effect.repeat({ until: (port) => port !== undefined }), Effect.map((port) => port ?? 0))

const connects = (port: number) =>
  Effect.callback<void, string>((resume) => {
    const socket = Net.connect(port, host)
    socket.once("error", (error) => resume(Effect.fail(error.message)))
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.void)
    })
  })

/** Until something answers on each port; after 15 s the failure quotes the server's own log. */
export const listening = Effect.fnUntraced(function*(ports: ReadonlyArray<number>, log: string) {
  const fs = yield* FileSystem.FileSystem
  yield* Effect.forEach(ports, connects).pipe(
    Effect.retry(Schedule.spaced("50 millis").pipe(Schedule.upTo({ duration: "15 seconds" }))),
    Effect.catch(() =>
      Effect.flatMap(
        Effect.orElseSucceed(fs.readFileString(log), () => ""),
        (text) => new Unavailable({ message: `Nothing listens on port ${ports.join(", ")}. The server's log: ${text}` })
      )
    )
  )
})
