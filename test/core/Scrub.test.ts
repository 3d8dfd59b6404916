import { makeScrub } from "@colloquy/core/internal/scrub"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"

const stars = "*".repeat(32)
const utf8 = new TextEncoder()
const base64 = (text: string) => Buffer.from(text, "utf8").toString("base64")
const hex = (text: string) => Buffer.from(text, "utf8").toString("hex")
const encodeSome = (text: string, mark: string, which: (at: number) => boolean) =>
  Array.from(text, (character, at) =>
    which(at) ?
      Array.from(utf8.encode(character), (octet) => mark + octet.toString(16).padStart(2, "0")).join("")
      : character).join("")

const windows = (text: string) =>
  Array.from({ length: Math.max(0, text.length - 7) }, (_, at) => text.slice(at, at + 8))

const knowing = (secrets: ReadonlyArray<string>, lines: ReadonlyArray<string> = []) => {
  const scrub = makeScrub()
  for (const secret of secrets) scrub.addSecret(secret)
  for (const line of lines) scrub.addLine(line)
  return scrub
}

describe("the scrub", () => {
  it("leaves a text alone while it knows no secret, and where none is in it", () => {
    assert.strictEqual(makeScrub().scrub("535 5.7.8 wrong: s3cret-words", true), "535 5.7.8 wrong: s3cret-words")
    const { scrub } = knowing(["s3cret-words", "pw"], [base64("\0ann\0s3cret-words")])
    const texts = [
      "250 2.0.0 Ok: queued as 4Ww2bT1ZqxzQ9rJc",
      "250-ENHANCEDSTATUSCODES",
      "535 5.7.8 https://support.google.com/mail/?p=BadCredentials y139sm19463388wmd.22 - gsmtp",
      "334 eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=",
      "535 ann+tag@x.example 100% no, s3cret words"
    ]
    for (const text of texts) assert.strictEqual(scrub(text, true), text)
  })

  it("masks a secret in every encoding that servers echo, and shows nothing of its length", () => {
    const { scrub } = knowing(["s3cret wörds!"])
    const cases: ReadonlyArray<readonly [string, string]> = [
      ["535 bad password 's3cret wörds!'", `535 bad password '${stars}'`],
      [`535 ${base64("s3cret wörds!")}.`, `535 ${stars}.`],
      [`535 ${base64("\0ann\0s3cret wörds!")}.`, `535 ${stars}.`],
      [`535 <${base64("ann:s3cret wörds!;")}>`, `535 <${stars}>`],
      [`535 ${Buffer.from("??>s3cret wörds!??>").toString("base64url")}`, `535 ${stars}`],
      [`535 0x${hex("s3cret wörds!").toUpperCase()} no`, `535 0x${stars} no`],
      [`535 hash ${hex("s3cret wörds!")}`, `535 hash ${stars}`],
      [`535 ?p=${encodeURIComponent("s3cret wörds!")}&u=ann`, `535 ?p=${stars}&u=ann`],
      ["535 ?p=s3cret+w%c3%B6rds%21&u=ann", `535 ?p=${stars}&u=ann`],
      ["535 s3cret+20w+C3+B6rds!", `535 ${stars}`],
      [`334 ${base64(`{"password":"${hex("s3cret wörds!")}"}`)}`, `334 ${stars}`],
      ["535 s3cret wörds!s3cret wörds! s3cret wörds!", `535 ${stars} ${stars}`]
    ]
    for (const [text, expected] of cases) assert.strictEqual(scrub(text, false), expected)
  })

  it("masks what the client sent, alone and inside a challenge", () => {
    const line = base64("ann 9e95aee09c40af2b84a0c2b3bbae786e")
    const { scrub } = knowing([], [`AUTH CRAM-MD5 ${line}`])
    assert.strictEqual(scrub(`501 cannot decode ${line}`, false), `501 cannot decode ${stars}`)
    assert.strictEqual(scrub(`334 ${base64(`you said ${line}`)}`, false), `334 ${stars}`)
    assert.strictEqual(scrub("250-AUTH CRAM-MD5", true), "250-AUTH CRAM-MD5")
    assert.strictEqual(scrub("501 cannot decode AUTH CRAM-MD5", true), "501 cannot decode AUTH CRAM-MD5")
  })

  it("masks a short secret as a whole word only, and only while authenticating", () => {
    const { scrub } = knowing(["a", "öl", "p@ss"], [base64("a"), "=", "*"])
    assert.strictEqual(
      scrub("535 a bad ananas, said 'a' (YQ==) for Öl, öl, Rohöl and p@ss; = *", true),
      [
        `535 ${stars} bad ananas, said '${stars}' (${stars}) for Öl, ${stars}, Rohöl and ${stars}; = *`
      ].join("")
    )
    assert.strictEqual(scrub("250 a bad öl (YQ==) p@ss", false), "250 a bad öl (YQ==) p@ss")
  })

  it("is fast on a text made to be slow", () => {
    const { scrub } = knowing(["a".repeat(200), "%25".repeat(60), "+".repeat(100)])
    const texts = ["a".repeat(199), "%61", "+2B", "%2525", "a%"].map((piece) => piece.repeat(16_384 / piece.length))
    for (const text of texts) scrub(text, true)
  })

  it("takes a token of any length", () => {
    const token = Array.from({ length: 1_200 }, (_, at) => `part-${at}~`).join("")
    const { scrub } = knowing([token], [base64(`user=ann\u0001auth=Bearer ${token}\u0001\u0001`)])
    assert.strictEqual(scrub(`535 <${encodeURIComponent(token)}> 100%`, true), `535 <${stars}> 100%`)
    assert.strictEqual(scrub(`535 <${encodeSome(token, "+", (at) => at % 2 === 0)}>`, true), `535 <${stars}>`)
  })

  // printable ASCII and some more, no letters beyond ASCII that hex or case could confuse
  const secret = Schema.String.check(Schema.isPattern(/^[ -~éßü漢😀]{12,64}$/u))
  const echoes: Record<string, (secret: string, which: (at: number) => boolean) => string> = {
    raw: (secret) => secret,
    "base64 at 0": base64,
    "base64 at 1": (secret) => base64(`\0${secret}>`),
    "base64 at 2": (secret) => base64(`u:${secret}??`),
    "base64url": (secret) => Buffer.from(`?>${secret}`).toString("base64url"),
    "hex": hex,
    "HEX": (secret) => hex(secret).toUpperCase(),
    "percent": (secret) => encodeURIComponent(secret),
    "form": (secret) => new URLSearchParams([["", secret]]).toString().slice(1),
    "some percent": (secret, which) => encodeSome(secret, "%", which),
    "some xtext": (secret, which) => encodeSome(secret, "+", which),
    "the line": (secret) => base64(`\0ann\0${secret}`),
    "the line in a challenge": (secret) => base64(`{"sent":"${base64(`\0ann\0${secret}`)}"}`),
    "hex in a challenge": (secret) => base64(`{"sent":"${hex(secret)}"}`)
  }
  for (const [name, echo] of Object.entries(echoes)) {
    it.prop(`gives the same output for any two secrets echoed as ${name}, with no piece of them`, [
      secret,
      secret,
      Schema.Int
    ], ([a, b, seed]) => {
      const which = (at: number) => ((seed >> (at % 31)) & 1) === 1
      const [shownA, shownB] = [a, b].map((secret) => {
        const { scrub } = knowing([secret], [`AUTH PLAIN ${base64(`\0ann\0${secret}`)}`])
        const said = echo(secret, which)
        const shown = scrub(`535-5.7.8 <${said}> is wrong (${said})`, true)
        for (const piece of [...windows(secret), ...windows(hex(secret)), ...windows(base64(secret))]) {
          assert.notInclude(shown, piece)
        }
        return shown
      })
      assert.strictEqual(shownA, shownB)
      assert.strictEqual(shownA, `535-5.7.8 <${stars}> is wrong (${stars})`)
    })
  }

  it.prop("leaves a text without the secret as it is", [Schema.String, Schema.Boolean], ([text, authenticating]) => {
    const { scrub } = knowing(["Zq7!Zq7!Zq7!Zq7!"], [base64("\0ann\0Zq7!Zq7!Zq7!Zq7!")])
    assert.strictEqual(scrub(text, authenticating), text)
  })
})
