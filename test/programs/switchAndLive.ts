import { LogText, SmtpLog } from "@colloquy/core"
import { Effect, Stream } from "effect"

/** "Switch the log on for five minutes", from an admin page. */
export const record = Effect.gen(function*() {
  const log = yield* SmtpLog.LogSwitch
  const state = yield* log.start
  yield* Effect.log(log.forced ? "the log is forced by logConfig.json" : `the log is ${state}`)
  yield* Effect.sleep("5 minutes")
  yield* log.pause
  yield* log.resume
  yield* log.stop
})

/** Server-sent events of what is said right now. */
export const live = SmtpLog.stream.pipe(
  Stream.filter((event) => event._tag === "ServerLine" && event.line.startsWith("5")),
  Stream.map((event) => LogText.encode(event, { time: "utc" }))
)

export const tail: Effect.Effect<void, never, SmtpLog.SmtpLog> = live.pipe(
  Stream.runForEach((line) => Effect.log(line))
)
