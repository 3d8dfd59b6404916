/**
 * A real browser: Debian's Chromium without a window, driven over its own protocol (Chrome DevTools Protocol, JSON over a
 * WebSocket). A page of its own for each scope; what it requests and what it complains of is kept.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Machine from "./Machine.ts"

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly sessionId?: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly result?: Readonly<Record<string, unknown>>
  readonly error?: { readonly message: string }
}
type Parameters = Readonly<Record<string, unknown>>

export interface Page {
  readonly call: (
    method: string,
    params?: Parameters
  ) => Effect.Effect<Readonly<Record<string, unknown>>, Machine.Unavailable>
  /** Until the page has loaded and its script has run. */
  readonly open: (url: string) => Effect.Effect<void, Machine.Unavailable>
  /** The value of an expression in the page, as JSON carries it; a promise is awaited. */
  readonly evaluate: <A>(expression: string) => Effect.Effect<A, Machine.Unavailable>
  /** Presses and releases a key of that name (`Enter`, `ArrowRight`, `/`). */
  readonly press: (key: string) => Effect.Effect<void, Machine.Unavailable>
  /** A real click in the middle of the first element that fits. */
  readonly click: (selector: string) => Effect.Effect<void, Machine.Unavailable>
  /** Every address that was asked for, of files and of the network, but for what the page's own policy kept back. */
  readonly requests: () => ReadonlyArray<string>
  /** Exceptions, dialogues, and what the console and the page's policy say. */
  readonly complaints: () => ReadonlyArray<string>
}

export class Browser extends Context.Service<Browser, {
  readonly version: string
  readonly page: Effect.Effect<Page, Machine.Unavailable, Scope.Scope>
}>()("@colloquy/test/servers/Browser") {}

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--hide-scrollbars",
  "--window-size=1280,900",
  "--remote-debugging-port=0"
]

/** One WebSocket: commands and their answers, and what comes unasked. */
const connect = Effect.fnUntraced(function*(url: string) {
  const socket = yield* Effect.acquireRelease(
    Effect.callback<WebSocket, Machine.Unavailable>((resume) => {
      const socket = new WebSocket(url)
      socket.addEventListener("open", () => resume(Effect.succeed(socket)))
      socket.addEventListener(
        "error",
        () => resume(Effect.fail(new Machine.Unavailable({ message: `The browser does not answer at ${url}.` })))
      )
    }),
    (socket) => Effect.sync(() => socket.close())
  )
  let last = 0
  const waiting = new Map<number, (answer: Answer) => void>()
  const heard: Array<Answer> = []
  const listeners = new Set<(answer: Answer) => void>()
  socket.addEventListener("message", ({ data }) => {
    const answer: Answer = JSON.parse(String(data))
    if (answer.id === undefined) {
      heard.push(answer)
      for (const listener of listeners) listener(answer)
      return
    }
    waiting.get(answer.id)?.(answer)
    waiting.delete(answer.id)
  })
  const call = (method: string, params: Parameters = {}, sessionId?: string) =>
    Effect.callback<Readonly<Record<string, unknown>>, Machine.Unavailable>((resume) => {
      const id = ++last
      waiting.set(id, ({ error, result }) =>
        resume(
          error === undefined
            ? Effect.succeed(result ?? {})
            : Effect.fail(new Machine.Unavailable({ message: `${method}: ${error.message}` }))
        ))
      socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }))
    })
  const until = (sessionId: string, method: string) =>
    Effect.callback<void>((resume) => {
      const listener = (answer: Answer) => {
        if (answer.sessionId !== sessionId || answer.method !== method) return
        listeners.delete(listener)
        resume(Effect.void)
      }
      listeners.add(listener)
    })
  return { call, heard, until }
})

const text = (value: unknown): string => typeof value === "string" ? value : JSON.stringify(value) ?? ""
const at = (value: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>(
    (inner, key) => typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined,
    value
  )

const codes: Readonly<Record<string, number>> = {
  Enter: 13,
  Escape: 27,
  ArrowLeft: 37,
  ArrowRight: 39,
  Tab: 9,
  Home: 36,
  End: 35
}

const makePage = Effect.fnUntraced(function*({ call, heard, until }: Effect.Success<ReturnType<typeof connect>>) {
  const { targetId } = yield* Effect.acquireRelease(
    call("Target.createTarget", { url: "about:blank" }),
    ({ targetId }) => Effect.ignore(call("Target.closeTarget", { targetId }))
  )
  const { sessionId } = yield* call("Target.attachToTarget", { targetId, flatten: true })
  const session = text(sessionId)
  const inPage = (method: string, params?: Parameters) => call(method, params, session)
  for (const domain of ["Page", "Runtime", "Network", "Log"]) yield* inPage(`${domain}.enable`)
  const own = (method: string) => heard.filter((answer) => answer.sessionId === session && answer.method === method)

  const evaluate = <A>(expression: string) =>
    Effect.flatMap(
      inPage("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true }),
      ({ exceptionDetails, result }) =>
        exceptionDetails === undefined
          ? Effect.succeed(at(result, "value") as A)
          : Effect.fail(
            new Machine.Unavailable({ message: text(at(exceptionDetails, "exception", "description")) })
          )
    )
  const press = Effect.fnUntraced(function*(key: string) {
    const windowsVirtualKeyCode = codes[key] ?? key.toUpperCase().charCodeAt(0)
    const text = key === "Enter" ? "\r" : key.length === 1 ? key : undefined
    yield* inPage("Input.dispatchKeyEvent", { type: "keyDown", key, windowsVirtualKeyCode, text })
    yield* inPage("Input.dispatchKeyEvent", { type: "keyUp", key, windowsVirtualKeyCode })
  })
  const click = Effect.fnUntraced(function*(selector: string) {
    const [x, y] = yield* evaluate<readonly [number, number]>(`(() => {
      const element = document.querySelector(${JSON.stringify(selector)})
      element.scrollIntoView({ block: "center" })
      const { left, top, width, height } = element.getBoundingClientRect()
      return [left + width / 2, top + height / 2]
    })()`)
    for (const type of ["mousePressed", "mouseReleased"]) {
      yield* inPage("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 })
    }
    yield* evaluate("new Promise((done) => requestAnimationFrame(() => done(null)))")
  })
  const open = Effect.fnUntraced(function*(url: string) {
    const loaded = yield* Effect.forkChild(until(session, "Page.loadEventFired"), { startImmediately: true })
    yield* inPage("Page.navigate", { url })
    yield* Fiber.join(loaded)
  })
  const page: Page = {
    call: inPage,
    open,
    evaluate,
    press,
    click,
    requests: () => {
      const kept = own("Network.loadingFailed").filter(({ params }) => at(params, "blockedReason") === "csp")
      const ids = new Set(kept.map(({ params }) => at(params, "requestId")))
      return own("Network.requestWillBeSent").filter(({ params }) => !ids.has(at(params, "requestId"))).map((
        { params }
      ) => text(at(params, "request", "url")))
    },
    complaints: () => [
      ...own("Runtime.exceptionThrown").map(({ params }) => text(at(params, "exceptionDetails"))),
      ...own("Runtime.consoleAPICalled").map(({ params }) => text(params)),
      ...own("Log.entryAdded").map(({ params }) => text(at(params, "entry", "text"))),
      ...own("Page.javascriptDialogOpening").map(({ params }) => text(at(params, "message")))
    ]
  }
  return page
})

const make = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const { join } = yield* Path.Path
  yield* Machine.packages("chromium")
  const folder = yield* Machine.folder("chromium")
  const log = join(folder, "log")
  yield* Machine.daemon("chromium", [...flags, `--user-data-dir=${join(folder, "profile")}`, "about:blank"], log)
  const [port = "", path = ""] = yield* fs.readFileString(join(folder, "profile", "DevToolsActivePort")).pipe(
    Effect.map((text) => text.trim().split("\n")),
    Effect.filterOrFail(({ length }) => length === 2),
    Effect.retry(Schedule.spaced("50 millis").pipe(Schedule.upTo({ duration: "30 seconds" }))),
    Effect.catch(() =>
      Effect.flatMap(
        Effect.orElseSucceed(fs.readFileString(log), () => ""),
        (text) => new Machine.Unavailable({ message: `Chromium does not start. It said: ${text}` })
      )
    )
  )
  const connection = yield* connect(`ws://${Machine.host}:${port}${path}`)
  const { product } = yield* connection.call("Browser.getVersion")
  return Browser.of({ version: text(product), page: makePage(connection) })
})

export const layer = Layer.effect(Browser, make)
