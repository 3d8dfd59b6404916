/** Too much at once: rates, quotas, connections, recipients. */
import * as people from "../internal/diagnosis/people.ts"
import type { Rule } from "../internal/diagnosis/rule.ts"
import * as source from "../internal/diagnosis/sources.ts"

export const rules: ReadonlyArray<Rule> = [
  {
    id: "rate/google-daily-quota",
    when: [
      {
        provider: ["google"],
        code: [550, 421, 454],
        enhanced: ["5.4.5", "4.4.5"],
        phase: ["mail", "rcpt", "data", "content", "verdict"],
        words: ["quota", "limit", "daily"]
      },
      { provider: ["google"], code: [550], enhanced: ["5.4.5"] },
      {
        provider: ["google"],
        code: [550, 552],
        words: ["quota exceeded", "sending limit", "daily limit", "email quota"]
      }
    ],
    what: "The account has sent as much as Google lets it in a day.",
    causes: ["the daily limit for messages or recipients is used up"],
    todo: ["wait: it goes up again within 24 hours", "use Google's SMTP relay or another service for bulk mail"],
    ask: people.workspace,
    retryAfter: "hours",
    sources: [source.google, "support.google.com/a/answer/166852 (sending limits)"]
  },
  {
    id: "rate/microsoft-connections",
    when: [
      {
        code: [432, 421, 451],
        enhanced: ["4.3.2"],
        provider: ["microsoft", "exchange"],
        words: ["concurrent", "thread limit", "connections limit", "sender thread"]
      },
      { code: [432], enhanced: ["4.3.2"] },
      { code: [432], words: ["concurrent", "thread limit"] },
      { code: [4], tokens: ["STOREDRV.ClientSubmit", "sender thread limit"] }
    ],
    what: "Too many connections at once for this mailbox: Microsoft 365 allows three.",
    causes: ["more than three sessions send for one mailbox", "several programs use the same mailbox"],
    todo: ["set maxSessions to 3 or less, over all programs together", "send again in some seconds"],
    ask: people.tenant,
    retryAfter: "seconds",
    sources: ["techcommunity.microsoft.com, Exchange Team Blog 607825 (SMTP AUTH throttling)"]
  },
  {
    id: "rate/microsoft-daily-quota",
    when: [
      {
        provider: ["microsoft", "exchange", "outlook.com"],
        code: [550, 554, 452],
        enhanced: ["5.1.90", "5.2.2", "5.2.121", "5.7.233", "5.7.232"]
      },
      { enhanced: ["5.1.90", "5.2.121", "5.7.232", "5.7.233"] },
      { code: [5], tokens: ["SubmissionQuotaExceededException", "MessageLimitExceeded"] }
    ],
    what: "The mailbox or organisation has sent to as many recipients as Microsoft 365 allows for now.",
    causes: ["the limit of recipients a day (10,000 a mailbox), an hour or of the tenant is used up"],
    todo: ["wait: it goes up again within 24 hours", "use High Volume Email or another service for bulk mail"],
    ask: people.tenant,
    retryAfter: "hours",
    sources: [
      source.ndr,
      "learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits"
    ]
  },
  {
    id: "rate/microsoft-message-rate",
    when: [{
      provider: ["microsoft", "exchange"],
      code: [421, 451, 452, 454, 554],
      words: ["submission rate", "message rate", "rate limit", "exceeded configured limit", "throttl*"]
    }, { enhanced: ["4.4.2"], code: [421], words: ["submission rate"] }],
    what: "Messages come faster than Exchange takes them from this mailbox (30 a minute in Microsoft 365).",
    causes: ["more messages a minute than the limit"],
    todo: ["slow down (withRateLimit), to 30 messages a minute at most", "send again in a minute"],
    ask: people.tenant,
    retryAfter: "seconds",
    sources: [source.smtpAuth, source.exchange]
  },
  {
    id: "rate/ses-rate",
    when: [
      { provider: ["ses"], code: [454], words: ["maximum sending rate", "sending rate exceeded", "rate exceeded"] },
      { code: [454], words: ["throttling failure maximum", "maximum sending rate"] },
      {
        provider: ["ses"],
        code: [421],
        words: ["too many", "concurrent"]
      }
    ],
    what: "More messages a second than Amazon SES allows this account.",
    causes: ["the account's maximum sending rate was passed"],
    todo: [
      "slow down to the rate in the SES console (withRateLimit)",
      "send again in some seconds",
      "ask AWS for a higher rate"
    ],
    ask: "the owner of the AWS account",
    retryAfter: "seconds",
    sources: [source.ses]
  },
  {
    id: "rate/ses-quota",
    when: [{
      provider: ["ses"],
      code: [454, 554],
      words: ["daily message quota", "daily quota", "daily sending quota", "quota exceeded"]
    }, { code: [454], words: ["throttling daily quota", "daily message quota"] }],
    what: "The account has sent as much as Amazon SES lets it in 24 hours.",
    causes: ["the sending quota is used up (200 messages in the sandbox)"],
    todo: ["wait: the quota is counted over the last 24 hours", "ask AWS for a higher quota"],
    ask: "the owner of the AWS account",
    retryAfter: "hours",
    sources: [source.ses]
  },
  {
    id: "rate/zoho-unusual",
    when: [{ provider: ["zoho"], enhanced: ["5.4.6", "5.4.5", "5.1.8"] }, {
      provider: ["zoho"],
      code: [550, 554, 421],
      words: ["unusual", "sending limit", "outgoing blocked", "exceeded"]
    }],
    what: "Zoho has stopped this account from sending for a while: too much, or unusual.",
    causes: ["more mail than the plan allows in an hour or day", "the account looked as if it sent spam"],
    todo: ["wait, and send less", "unblock it at mail.zoho.com/UnblockMe"],
    ask: people.provider,
    retryAfter: "hours",
    sources: [source.zoho]
  },
  {
    id: "rate/per-second",
    when: [{
      code: [4, 5],
      words: ["emails per second", "messages per second", "requests per second", "per second"]
    }],
    what: "More messages a second than the service allows.",
    causes: ["the plan's rate was passed"],
    todo: ["slow down (withRateLimit)", "send again in some seconds"],
    ask: people.provider,
    retryAfter: "seconds",
    sources: ["help.mailtrap.io (rate limits)"]
  },
  {
    id: "rate/quota",
    when: [
      {
        phase: ["auth", "mail", "rcpt", "data", "content", "verdict"],
        code: [4, 5],
        words: [
          "queue quota",
          "daily",
          "per day",
          "hourly",
          "per hour",
          "max emails",
          "max defers",
          "sending limit",
          "sending quota",
          "message quota",
          "quota exceeded sender",
          "exceeded max",
          "limit exceeded",
          "exceeded limit",
          "messages per hour",
          "recipients hour",
          "recipients day",
          "monthly",
          "sending rate",
          "sent too many",
          "exceeded sending",
          "quota sending",
          "exceeded quota"
        ],
        without: [
          "rate limit",
          "storage",
          "mailbox full",
          "over quota",
          "size",
          "concurrent",
          "connections",
          "attachment"
        ]
      }
    ],
    what: "The account or domain has sent as much as the server allows for now.",
    causes: ["the limit a day or an hour is used up", "another program or user of the same account uses it up"],
    todo: ["wait until the hour or day is over", "send less at once (withRateLimit)", "ask for a higher limit"],
    ask: people.provider,
    retryAfter: "hours",
    sources: ["docs.cpanel.net (max hourly emails)", source.sendgrid]
  },
  {
    id: "rate/too-many-connections",
    when: [{
      code: [421, 420, 450, 451, 452, 454, 554, 550],
      words: [
        "too many connections",
        "too many concurrent",
        "concurrent connections",
        "connection limit",
        "connections from",
        "too many sessions",
        "maximum connections",
        "connections exceeded",
        "too frequent connects",
        "connection rate",
        "connection frequency",
        "simultaneous connections",
        "many smtp sessions",
        "too many smtp",
        "too many simultaneous"
      ]
    }],
    what: "Too many connections at once, or too fast one after another, from this address or account.",
    causes: ["too many sessions at once", "several programs behind one address"],
    todo: ["set maxSessions lower", "keep sessions open and send several messages over one"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: ["Postfix anvil(8)", source.eximServer]
  },
  {
    id: "rate/too-many-recipients",
    when: [
      { phase: ["rcpt", "data", "verdict", "mail"], enhanced: ["*.5.3"], code: [4, 5] },
      {
        phase: ["rcpt", "data", "verdict"],
        code: [4, 5],
        words: [
          "too many recipients",
          "maximum recipients",
          "recipients limit",
          "recipient limit",
          "many recipients",
          "number recipients"
        ],
        without: ["per hour", "hour", "day", "daily"]
      },
      { phase: ["rcpt"], code: [452], words: ["recipients"] }
    ],
    what: "More recipients in one message than the server takes.",
    causes: ["the server's limit of recipients a message"],
    todo: ["send to the rest in another message (a transporter does so by itself)"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: ["RFC 5321 §4.5.3.1.10", source.google]
  },
  {
    id: "rate/too-many-errors",
    when: [{
      code: [421, 500, 502, 503, 554, 550, 521],
      words: [
        "too many errors",
        "many protocol errors",
        "too many unauthenticated",
        "many bad commands",
        "too many invalid",
        "too many nonmail",
        "too many syntax",
        "too many unrecognized",
        "too many unknown",
        "unauthenticated commands"
      ]
    }],
    what: "The server hung up after too many refused commands in this session.",
    causes: ["many recipients of a list do not exist", "the client is out of step, or repeats a refused command"],
    todo: ["look at the refusals before this one: they are the trouble", "tidy up the list of recipients"],
    ask: people.developer,
    retryAfter: "hours",
    sources: [`${source.postfixServer} (smtpd_hard_error_limit)`, source.eximServer]
  },
  {
    id: "rate/slow-down",
    when: [
      {
        code: [4],
        words: [
          "too many mails",
          "slow down",
          "rate limit*",
          "too fast",
          "throttl*",
          "too many messages",
          "too much mail",
          "sending too",
          "rate exceeded",
          "ratelimit*",
          "too many emails",
          "rate control",
          "deferred due volume",
          "excessive",
          "too many requests"
        ]
      },
      {
        code: [5],
        words: [
          "frequency limit*",
          "rate limit*",
          "too many messages",
          "sending too fast",
          "ratelimit*",
          "too many mails",
          "throttl*"
        ]
      },
      { enhanced: ["4.7.28"], words: ["rate", "too quickly"] }
    ],
    what: "Mail comes faster than the server takes it from this sender.",
    causes: ["too many messages in a short time"],
    todo: ["slow down (withRateLimit)", "send again in some minutes"],
    ask: people.administrator,
    retryAfter: "seconds",
    sources: ["Postfix anvil(8)", source.eximServer]
  },
  {
    id: "rate/held-back",
    when: [{ kind: ["Throttled"] }],
    what:
      "The client itself held the message back: a rate limit, an open circuit, or a pause that the server asked for.",
    causes: ["earlier failures, or more messages than the limit that is set"],
    todo: ["send again after the pause"],
    retryAfter: "seconds",
    sources: ["Colloquy, withRateLimit and withCircuitBreaker"]
  }
]
