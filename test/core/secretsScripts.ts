/** For the tests of secrets: each mechanism with its secret, and servers that answer it in every way. */
import { Command, Sasl, type Transporter } from "@colloquy/core"
import { Script } from "@colloquy/core/testing"
import { Arbitrary, Effect, Redacted, Schema } from "effect"
import { createHash, createHmac, pbkdf2Sync } from "node:crypto"
import { user } from "./secrets.ts"

const base64 = (text: string) => Buffer.from(text).toString("base64")
const unbase64 = (text: string) => Buffer.from(text, "base64").toString()

/** What is sent at the first chance, or undefined where the server speaks first. */
type Initial = ((secret: string) => string) | undefined

export interface Case {
  readonly name: string
  /** As the server offers it. */
  readonly offered: string
  readonly secret: "text" | "prepared" | "token" | "trace"
  readonly options: (secret: string) => Partial<Transporter.Options>
  readonly initial: Initial
  /** Challenges between AUTH with its initial response and the final reply; a function sees the client's last line. */
  readonly challenges: ReadonlyArray<string | ((line: string) => string)>
  readonly bindsChannel?: boolean
  /** What the server says and does once it has all that it needs, where more than a final reply is due (SCRAM). */
  readonly proof?: (secret: string) => ReadonlyArray<Script.Step>
}

const password = (authenticationMode: string) => (secret: string): Partial<Transporter.Options> => ({
  user,
  password: Redacted.make(secret),
  authenticationMode
})
const token = (authenticationMode: string) => (secret: string): Partial<Transporter.Options> => ({
  user,
  accessTokenOAuth2: Redacted.make(secret),
  authenticationMode
})

export const channelBinding = Uint8Array.from({ length: 32 }, (_, at) => at)

const salt = Buffer.from("seventeen grains.")
const iterations = 4096

const scram = (hash: "SHA-1" | "SHA-256" | "SHA-512", plus: boolean): Case => {
  const name = `SCRAM-${hash}${plus ? "-PLUS" : ""}`
  const algorithm = hash.replace("-", "").toLowerCase()
  const clientFirst = { text: "", serverFirst: "" }
  const first = (line: string) => {
    const sent = unbase64(line.replace(/^AUTH \S+ /, ""))
    clientFirst.text = sent.replace(/^[^,]*,[^,]*,/, "")
    clientFirst.serverFirst = `r=${/r=([^,]*)$/.exec(sent)?.[1]}server,s=${salt.toString("base64")},i=${iterations}`
    return `334 ${base64(clientFirst.serverFirst)}`
  }
  const signature = (secret: string, line: string) => {
    const withoutProof = unbase64(line).replace(/,p=.*$/, "")
    const salted = pbkdf2Sync(
      secret.normalize("NFKC"),
      salt,
      iterations,
      createHash(algorithm).digest().length,
      algorithm
    )
    const key = createHmac(algorithm, salted).update("Server Key").digest()
    const signed = `${clientFirst.text},${clientFirst.serverFirst},${withoutProof}`
    return createHmac(algorithm, key).update(signed).digest("base64")
  }
  return {
    name,
    offered: name,
    secret: "prepared",
    options: password(name),
    initial: () => `${plus ? "p=tls-exporter" : "n"},,n=${user},r=${"x".repeat(32)}`,
    challenges: [first],
    bindsChannel: plus,
    proof: (secret) => [
      Script.onWith(/^[A-Za-z0-9+/=]+$/, (line) => [`334 ${base64(`v=${signature(secret, line)}`)}`])
    ]
  }
}

const custom = (secret: string): Sasl.Mechanism =>
  Sasl.make<"Key" | "Twice" | "Done">({
    name: "X-CUSTOM",
    cleartext: true,
    start: () => ({ state: "Key", initial: Redacted.make(`key=${secret}`) }),
    step: (state) =>
      Effect.succeed({ state: state === "Key" ? "Twice" : "Done", response: Redacted.make(`${secret}${secret}`) }),
    complete: () => true
  })

export const cases: ReadonlyArray<Case> = [
  {
    name: "PLAIN",
    offered: "PLAIN",
    secret: "text",
    options: password("PLAIN"),
    initial: (secret) => `\0${user}\0${secret}`,
    challenges: []
  },
  {
    name: "LOGIN",
    offered: "LOGIN",
    secret: "text",
    options: password("LOGIN"),
    initial: undefined,
    challenges: ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"]
  },
  {
    name: "CRAM-MD5",
    offered: "CRAM-MD5",
    secret: "text",
    options: password("CRAM-MD5"),
    initial: undefined,
    challenges: [`334 ${base64("<1896.697170952@postoffice.example>")}`]
  },
  ...(["SHA-1", "SHA-256", "SHA-512"] as const).flatMap((hash) => [scram(hash, false), scram(hash, true)]),
  {
    name: "XOAUTH2",
    offered: "XOAUTH2",
    secret: "token",
    options: token("XOAUTH2"),
    initial: (secret) => `user=${user}\x01auth=Bearer ${secret}\x01\x01`,
    challenges: []
  },
  {
    name: "OAUTHBEARER",
    offered: "OAUTHBEARER",
    secret: "token",
    options: token("OAUTHBEARER"),
    initial: (secret) => `n,a=${user},\x01host=mail.test\x01port=465\x01auth=Bearer ${secret}\x01\x01`,
    challenges: []
  },
  {
    name: "EXTERNAL",
    offered: "EXTERNAL",
    secret: "text",
    options: (secret) => ({ authenticationMode: Sasl.external({ authorizationId: secret }) }),
    initial: (secret) => secret,
    challenges: []
  },
  {
    name: "ANONYMOUS",
    offered: "ANONYMOUS",
    secret: "trace",
    options: (secret) => ({ authenticationMode: Sasl.anonymous({ trace: secret }) }),
    initial: (secret) => secret,
    challenges: []
  },
  {
    name: "a mechanism of one's own",
    offered: "X-CUSTOM",
    secret: "text",
    options: (secret) => ({ authenticationMode: custom(secret) }),
    initial: (secret) => `key=${secret}`,
    challenges: ["334 d2hhdD8="]
  }
]

export const fits = (mechanism: Case, secret: string): boolean =>
  mechanism.initial === undefined || Command.fitsAuthLine(mechanism.offered, Redacted.make(mechanism.initial(secret)))

/** How the server ends the authentication. */
export const endings = [
  "accepts",
  "535",
  "454",
  "504",
  "421",
  "501 to one line",
  "cut",
  "cut in a reply",
  "error challenge",
  "no base64",
  "too early",
  "no reply",
  "silence"
] as const
export type Ending = typeof endings[number]

export const greeting = [
  Script.greet("220-mail.test ESMTP", "220 ready when you are")
]
export const hello = (mechanism: Case) =>
  Script.on("EHLO client.test", "250-mail.test", "250-SIZE 10000000", `250 AUTH ${mechanism.offered}`)

export const transaction = [
  Script.on(/^MAIL FROM:/, "250 2.1.0 Sender ok"),
  Script.on(/^RCPT TO:/, "250 2.1.5 Recipient ok"),
  Script.on("DATA", "354 go on"),
  Script.content("250 2.0.0 Ok: queued as 4D2F1")
]

export type ReplyOf = (line: string) => string

/** The client's lines up to the last, each answered by the next challenge, and the last one by `last`. */
export const exchange = (
  mechanism: Case,
  oneLine: boolean,
  last: (pattern: RegExp) => ReadonlyArray<Script.Step>
): ReadonlyArray<Script.Step> => {
  const head = `^AUTH ${mechanism.offered}`
  const opening: ReadonlyArray<RegExp> = mechanism.initial === undefined
    ? [new RegExp(`${head}$`)]
    : oneLine
    ? [new RegExp(`${head} [A-Za-z0-9+/=]+$`)]
    : [new RegExp(`${head}$`), /^[A-Za-z0-9+/=]+$/]
  const before = mechanism.initial === undefined || oneLine ? [] : ["334 "]
  const challenges = [...before, ...mechanism.challenges]
  const lines = [...opening, ...mechanism.challenges.map(() => /^[A-Za-z0-9+/=]+$/)]
  return lines.flatMap((line, at) => {
    const challenge = challenges[at]
    return challenge === undefined
      ? last(line)
      : [Script.onWith(line, (said) => [typeof challenge === "string" ? challenge : challenge(said)])]
  })
}

const refusal = (reply: string) => (line: RegExp) => [Script.on(line, reply), Script.bye]

/** The whole script; where the server refuses, the client says QUIT. */
export const script = (
  mechanism: Case,
  ending: Ending,
  options: { readonly secret: string; readonly oneLine: boolean; readonly act: "send" | "check" }
): ReadonlyArray<Script.Step> => {
  const { oneLine, secret } = options
  const begin = [...greeting, hello(mechanism)]
  const all = (last: (line: RegExp) => ReadonlyArray<Script.Step>) => [...begin, ...exchange(mechanism, oneLine, last)]
  switch (ending) {
    case "accepts": {
      const then = [...(options.act === "send" ? transaction : []), Script.bye]
      return mechanism.proof === undefined
        ? all((line) => [Script.on(line, "235 2.7.0 Authentication successful"), ...then])
        : [
          ...all(() => mechanism.proof?.(secret) ?? []),
          Script.on("", "235 2.7.0 Authentication successful"),
          ...then
        ]
    }
    case "535":
      return all((
        line
      ) => [Script.on(line, "535-5.7.8 Username and Password not accepted.", "535 5.7.8 more"), Script.bye])
    case "454":
      return all(refusal("454 4.7.0 Temporary authentication failure"))
    case "504":
      return all(refusal("504 5.5.4 Unrecognized authentication type"))
    case "421":
      return all((line) => [Script.on(line, "421 4.3.2 Shutting down"), Script.close])
    case "501 to one line":
      return oneLine && mechanism.initial !== undefined
        ? [
          ...begin,
          Script.on(new RegExp(`^AUTH ${mechanism.offered} `), "501 5.5.4 Syntax"),
          ...exchange(mechanism, false, refusal("535 5.7.8 no"))
        ]
        : all(refusal("501 5.5.2 Cannot decode"))
    case "cut":
      return all((line) => [Script.onWith(line, () => []), Script.close])
    case "cut in a reply":
      return all((line) => [Script.onWith(line, () => []), Script.raw("334 dj1hYmNk"), Script.reset])
    case "error challenge":
      return all((line) => [
        Script.on(line, `334 ${base64(`{"status":"401","schemes":"bearer","scope":"https://mail.test/"}`)}`),
        Script.on(/^(?:|\*|AQ==|[A-Za-z0-9+/=]+)$/, "535 5.7.8 not accepted"),
        Script.bye
      ])
    case "no base64":
      return all((line) => [
        Script.on(line, "334 ???!"),
        Script.on(/^(?:|\*|AQ==|[A-Za-z0-9+/=]+)$/, "501 5.7.0 given up"),
        Script.bye
      ])
    case "too early":
      return all((line) => [
        Script.on(line, "235 2.7.0 so soon"),
        ...(mechanism.proof === undefined && options.act === "send" ? transaction : []),
        Script.bye
      ])
    case "no reply":
      return all((line) => [Script.on(line, "this is no reply"), Script.close])
    case "silence":
      return [...begin, Script.onWith(new RegExp(`^AUTH ${mechanism.offered}`), () => []), Script.silence]
  }
}

/** Every text that a script, a message or a name could have in common with a secret. */
const inUse = cases.flatMap((mechanism) => [
  ...endings.map((ending) => Script.toText(script(mechanism, ending, { secret: "", oneLine: false, act: "send" }))),
  ...endings.map((ending) => Script.toText(script(mechanism, ending, { secret: "", oneLine: true, act: "send" })))
]).join("\n") + ["Hello Bob", "colloquy", "203.0.113.25", "192.0.2.1", base64(user)].join("\n")

export const isFree = (secret: string): boolean => !inUse.includes(secret)

// Arbitraries

const pieces = [
  ...Array.from("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"),
  ...Array.from(" !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
  ...Array.from("éßüñ漢字кириллица😀😎ａ"),
  " S < \"250 ",
  "C > \"AUTH ",
  "### SMTP",
  "334 ",
  "YQ==",
  "%41",
  "+2B",
  "\\x1b",
  "\\u{1b}",
  "********",
  "{\"a\":1}",
  "://x:y@z"
]
/** What stands in no script, so that it can be short. */
const rare = Array.from("~^`|§¤éßñ漢字кЖ😀😎ａ")

const textOf = (alphabet: ReadonlyArray<string>, minLength: number, maxLength: number) =>
  Arbitrary.map(
    Arbitrary.array(Arbitrary.schema(Schema.Literals(alphabet)), { minLength, maxLength }),
    (all) => Array.from(all.join("")).slice(0, maxLength).join("")
  )

/** 1 to 200 characters; one in three has at most 9. */
const anyText = (long: ReadonlyArray<string>, short: ReadonlyArray<string>) =>
  Arbitrary.flatMap(
    Arbitrary.schema(Schema.Literals([0, 1, 2])),
    (which) => which === 0 ? textOf(short, 1, 9) : which === 1 ? textOf(long, 4, 30) : textOf(long, 60, 200)
  ).pipe(
    Arbitrary.filter((text) => text !== "" && isFree(text))
  )

const ascii = pieces.filter((piece) => /^[\x21-\x7e]+$/.test(piece))

export const secrets: Readonly<Record<Case["secret"], Arbitrary.Arbitrary<string>>> = {
  text: anyText([...pieces, "\t", "\u001b[31m", "\u202e", "\u00a0"], rare),
  prepared: anyText(pieces, rare),
  token: anyText(ascii, Array.from("~^`|")),
  trace: anyText(pieces.filter((piece) => !piece.includes("@")), rare)
}

/** Two secrets on one side of the 512-octet rule (RFC 4954 §4). */
export const pairOf = (mechanism: Case) =>
  Arbitrary.all([secrets[mechanism.secret], secrets[mechanism.secret]]).pipe(
    Arbitrary.filter(([one, other]) => fits(mechanism, one) === fits(mechanism, other))
  )
