/** For the tests of secrets: servers that say the secret back, wherever they can and in every form that servers use. */
import { Script } from "@colloquy/core/testing"
import { Arbitrary, Effect, Schema } from "effect"
import { differences, encodeAll, observe, type Run, windowsIn } from "./secrets.ts"
import { cases, exchange, isFree, transaction } from "./secretsScripts.ts"

const utf8 = (text: string) => Buffer.from(text)
const base64 = (text: string) => utf8(text).toString("base64")

/** What a text becomes. Neighbours decide how base64 is aligned. */
export const forms = {
  raw: (text: string) => text,
  "base64 at 0": base64,
  "base64 at 1": (text: string) => base64(`\0${text}>`),
  "base64 at 2": (text: string) => base64(`u:${text}??`),
  base64url: (text: string) => utf8(`?>${text}`).toString("base64url"),
  hex: (text: string) => utf8(text).toString("hex"),
  HEX: (text: string) => utf8(text).toString("hex").toUpperCase(),
  percent: encodeURIComponent,
  "all percent": (text: string) => encodeAll(text, "%"),
  form: (text: string) => new URLSearchParams([["", text]]).toString().slice(1),
  xtext: (text: string) => text.replaceAll(/[^!-~]|[+=]/gu, (character) => encodeAll(character, "+")),
  "all xtext": (text: string) => encodeAll(text, "+")
} as const
export type Form = keyof typeof forms
export const formNames = Object.keys(forms) as ReadonlyArray<Form>

/** In which reply. */
export const places = [
  "greeting",
  "EHLO",
  "a keyword of EHLO",
  "STARTTLS",
  "EHLO inside TLS",
  "challenge",
  "error challenge",
  "535",
  "454",
  "501 to one line",
  "235",
  "no reply",
  "mixed codes",
  "MAIL",
  "MAIL refused",
  "RCPT",
  "RCPT refused",
  "DATA",
  "verdict",
  "verdict refused",
  "QUIT",
  "421 in the place of a verdict"
] as const
export type Place = typeof places[number]

/** The secret itself, or what the client last said while authenticating: places after AUTH only. */
export type What = "the secret" | "the line" | "the response"

const beforeAuth: ReadonlySet<Place> = new Set(["greeting", "EHLO", "a keyword of EHLO", "STARTTLS", "EHLO inside TLS"])

export interface Echo {
  readonly mechanism: string
  readonly place: Place
  readonly form: Form
  readonly what: What
  readonly chunks: "whole" | "line" | "byte"
}

/** A run, and what its server repeats once it has been told. */
export const echoRun = (echo: Echo, secret: string): Run & { readonly echoed: () => string } => {
  const mechanism = cases.find(({ name }) => name === echo.mechanism)
  if (mechanism === undefined) throw new Error(`no case ${echo.mechanism}`)
  const { place } = echo
  let line = ""
  const echoed = () => {
    const response = line.replace(/^AUTH \S+ ?/, "")
    const text = echo.what === "the secret" || beforeAuth.has(place)
      ? secret
      : echo.what === "the line"
      ? response
      : Buffer.from(response, "base64").toString()
    return forms[echo.form](text)
  }
  /** A reply that says it at this place, and something else at others. */
  const say = (here: Place, reply: string, then = "(that was it)") =>
    place === here ? [`${reply.slice(0, 3)}-${reply.slice(4)}`, `${reply} <${echoed()}> ${then}`] : [reply]
  const on = (pattern: string | RegExp, here: Place, reply: string) =>
    Script.onWith(pattern, (said) => {
      if (/^AUTH |^[A-Za-z0-9+/]+=*$/.test(said) && !/^(DATA|QUIT|STARTTLS)$/.test(said)) line = said
      return say(here, reply)
    })
  const keep = (said: string) => void (line = said === "" || said === "*" || said === "AQ==" ? line : said)

  const hello = (here: ReadonlyArray<Place>, ...keywords: ReadonlyArray<string>) =>
    Script.onWith("EHLO client.test", () => [
      ...(place === here[0] ? [`250-mail.test hello ${echoed()}`] : ["250-mail.test"]),
      ...(place === here[1] ? [`250-X-ECHO ${echoed()}`, `250-AUTH ${mechanism.offered} ${echoed()}`] : []),
      ...keywords
    ])
  const begin = [
    Script.greet(...say("greeting", "220 mail.test ESMTP")),
    hello(["EHLO", "a keyword of EHLO"], "250 STARTTLS"),
    on("STARTTLS", "STARTTLS", "220 go ahead"),
    Script.startTls,
    hello(["EHLO inside TLS", "a keyword of EHLO"], "250-SIZE 10000000", `250 AUTH ${mechanism.offered}`)
  ]
  const login = (
    last: (pattern: RegExp) => ReadonlyArray<Script.Step>
  ) => [...begin, ...exchange(mechanism, true, last)]
  const answered = (reply: string) => (pattern: RegExp) => [on(pattern, place, reply), Script.bye]
  const anything = /^(?:|\*|AQ==|[A-Za-z0-9+/=]+)$/

  const script = (): ReadonlyArray<Script.Step> => {
    switch (place) {
      case "535":
        return login(answered("535 5.7.8 no"))
      case "454":
        return login(answered("454 4.7.0 not now"))
      case "501 to one line":
        return mechanism.initial === undefined ? login(answered("501 5.5.4 what")) : [
          ...begin,
          on(new RegExp(`^AUTH ${mechanism.offered} `), place, "501 5.5.4 what"),
          ...exchange(mechanism, false, (pattern) => [Script.on(pattern, "535 5.7.8 no"), Script.bye])
        ]
      case "challenge":
      case "error challenge":
        return login((pattern) => [
          Script.onWith(pattern, (said) => {
            keep(said)
            return [
              place === "challenge"
                ? `334 ${echoed()}`
                : `334 ${base64(`{"status":"401","token":"${echoed()}","scope":"mail"}`)}`
            ]
          }),
          Script.on(anything, "535 5.7.8 not accepted"),
          Script.bye
        ])
      case "no reply":
        return login((pattern) => [
          Script.onWith(pattern, (said) => {
            keep(said)
            return [`${"x".repeat(185)} ${echoed()}`]
          }),
          Script.close
        ])
      case "mixed codes":
        return login((pattern) => [
          Script.onWith(pattern, (said) => {
            keep(said)
            return [`535-${"x".repeat(180)} ${echoed()}`, `454 ${"y".repeat(189)} ${echoed()}`]
          }),
          Script.close
        ])
      case "STARTTLS":
      case "greeting":
      case "EHLO":
      case "a keyword of EHLO":
      case "EHLO inside TLS":
        return login((pattern) => [Script.on(pattern, "535 5.7.8 no"), Script.bye])
      default:
        break
    }
    const refusedAt = (here: Place, ok: string, no: string) => on(/^(?:MAIL|RCPT)/, here, place === here ? no : ok)
    const accepted = mechanism.proof === undefined
      ? login((pattern) => [on(pattern, "235", "235 2.7.0 welcome")])
      : [...login(() => mechanism.proof?.(secret) ?? []), on("", "235", "235 2.7.0 welcome")]
    const bye = [on("QUIT", "QUIT", "221 2.0.0 bye"), Script.close]
    if (place === "MAIL refused") return [...accepted, refusedAt(place, "", "550 5.7.1 no"), ...bye]
    const mail = on(/^MAIL/, "MAIL", "250 2.1.0 ok")
    const rset = [Script.on("RSET", "250 2.0.0 ok"), ...bye]
    if (place === "RCPT refused") return [...accepted, mail, refusedAt(place, "", "450 4.2.1 busy"), ...rset]
    const rcpt = on(/^RCPT/, "RCPT", "250 2.1.5 ok")
    if (place === "235") return [...accepted, ...transaction, ...bye]
    const data = [mail, rcpt, on("DATA", "DATA", "354 go on")]
    if (place === "421 in the place of a verdict") {
      return [...accepted, ...data, Script.content(...say(place, "421 4.3.0 closing")), Script.close]
    }
    return [
      ...accepted,
      ...data,
      place === "verdict refused"
        ? Script.content(...say(place, "554 5.7.1 spam"))
        : Script.content(...say("verdict", "250 2.0.0 Ok: queued as 4D2F1")),
      ...bye
    ]
  }
  return {
    echoed,
    chunks: echo.chunks,
    options: { port: 587, ...mechanism.options(secret) },
    script: script()
  }
}

/** 12 to 64 characters; no asterisk, of which the mask is made. */
export const secretOf = (alphabet: string) =>
  Arbitrary.map(
    Arbitrary.array(Arbitrary.schema(Schema.Literals(Array.from(alphabet))), { minLength: 12, maxLength: 64 }),
    (characters) => characters.join("")
  ).pipe(Arbitrary.filter(isFree))

const ascii = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!\"#$%&'()+,-./:;<=>?@[\\]^_`{|}~"

/** What every mechanism can carry, and what passwords can. */
export const tokens = secretOf(ascii)
export const passwords = secretOf(`${ascii} éßüñ漢字ЖЯ😀`)

export const echoes = {
  place: Schema.Literals(places),
  form: Schema.Literals(formNames),
  what: Schema.Literals(["the secret", "the secret", "the line", "the response"] as const),
  chunks: Schema.Literals(["whole", "line", "byte"])
}

/** The script itself is told only what travels: not the password of these. */
const keepsItsPassword = new Set(["CRAM-MD5", "SCRAM-SHA-256"])

export interface Finding {
  /** Where two secrets are not seen alike. */
  readonly different: ReadonlyArray<string>
  /** Lines with a piece of the first one. */
  readonly pieces: ReadonlyArray<string>
  readonly end: string
}

/** The check: nothing may be different, no piece may be seen. */
export const check = Effect.fnUntraced(function*(echo: Echo, one: string, other: string) {
  const first = yield* observe(echoRun(echo, one))
  const otherRun = echoRun(echo, other)
  const second = yield* observe(otherRun)
  const { "what the script says of its end": end = "" } = first
  if (keepsItsPassword.has(echo.mechanism)) {
    delete first["the script's conversation"]
    delete second["the script's conversation"]
  }
  const finding: Finding = {
    different: differences(first, second),
    pieces: windowsIn(first, one, otherRun.echoed()),
    end
  }
  return finding
})
