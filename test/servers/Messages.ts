/** Messages that a careless client would damage, and what must arrive of them. */
import * as Stream from "effect/Stream"

export const composed = (
  envelope: { readonly from: string; readonly to: readonly [string, ...Array<string>] },
  text: string
) => {
  const octets = Buffer.from(text, "utf8")
  return { envelope, size: octets.length, content: Stream.make(octets) }
}

/** Lines of dots, bare line ends, octets over 127, a line of 998 octets, and a smuggled command. */
export const difficult = (marker: string): string =>
  [
    "From: Ann <ann@mail.test>",
    "To: Bob <bob@mail.test>",
    "Subject: Difficult",
    `Message-ID: <${marker}@client.test>`,
    "Date: Wed, 25 Nov 2026 12:00:00 +0000",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=utf-8",
    "Content-Transfer-Encoding: 8bit",
    "",
    ".",
    "..",
    ".a line that begins with a dot",
    "Grüße aus Köln, und ein Schneemann: ☃",
    "ended by a bare LF\nand by a bare CR\rand a lone dot between two bare LFs:\n.\nMAIL FROM:<eve@evil.test>",
    "\r.\r",
    "x".repeat(998),
    "",
    "The end.",
    ""
  ].join("\r\n")

/** CR, LF and CRLF are line ends alike: what is on the wire, and so in the mailbox (as Latin-1 of its octets). */
export const onTheWire = (text: string): string =>
  Buffer.from(text.replaceAll(/\r\n|\r|\n/g, "\r\n"), "utf8").toString("latin1")
